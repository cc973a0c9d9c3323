"""Pack what PyInstaller does not find: modules loaded on first use, and data files.

Gradio is left out unless the program imports it, as fastrtc itself loads it only for a page.
"""

from PyInstaller.utils.hooks import collect_data_files, collect_submodules

datas = collect_data_files("fastrtc", excludes=["_demos"])
hiddenimports = [
    name
    for name in collect_submodules("fastrtc", filter=lambda name: name != "fastrtc.ui")
    if name != "fastrtc.webrtc"
]
