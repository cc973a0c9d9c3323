from fastrtc import CartesiaTTSOptions, EspeakTTSOptions, KokoroTTSOptions

kokoro = KokoroTTSOptions(voice="af_heart", speed=1.0, lang="en-us")
espeak = EspeakTTSOptions(voice="en-us+f3", speed=1.0, pitch=50)
cartesia = CartesiaTTSOptions(
    voice="71a7ad14-091c-4e8e-a314-022ece01c121",
    language="en",
    emotion=["positivity:high"],
    sample_rate=22050,
)
