from fastrtc import get_stt_model, get_tts_model


def ears():  # folder with encoder_model.onnx and decoder_model_merged.onnx
    return get_stt_model("moonshine/base", model_path="models/moonshine")


def voice():  # folder with kokoro-v1.0.onnx and voices-v1.0.bin
    return get_tts_model("kokoro", model_path="models/kokoro")
