from fastapi import FastAPI
from opentelemetry import trace as otel
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor

from fastrtc import ReplyOnPause, Stream
from fastrtc.metrics import trace

# To send the traces to a collector: BatchSpanProcessor(OTLPSpanExporter()), from the package
# opentelemetry-exporter-otlp
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter()))
tracer = otel.get_tracer("my program", tracer_provider=provider)


async def reply(audio):
    with tracer.start_as_current_span("think"):  # a child of fastrtc.function
        pass
    yield audio


stream = Stream(ReplyOnPause(reply), modality="audio", mode="send-receive")
trace(stream, provider)
app = FastAPI()
stream.mount(app)
