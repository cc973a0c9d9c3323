from fastrtc import AdditionalOutputs, Stream


def watch(frame):
    return AdditionalOutputs(round(float(frame.mean())))


stream = Stream(watch, modality="video", mode="send")
