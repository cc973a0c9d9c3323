"""A network of the same inputs and outputs as YOLO's, made here, finds a red car and a walker."""

from pathlib import Path

import onnx
from onnx import TensorProto, helper

from tests.demos.running import MARKS
from tests.demos.street import write_street

pytestmark = MARKS

SIZE = 160  # pixels of a side of what it looks at
CAR, PERSON = [15.0, 58.0, 85.0, 98.0], [112.0, 45.0, 134.0, 105.0]  # in those pixels
CAR_KIND, PERSON_KIND = 2.0, 0.0  # their boxes are blue and yellow

# Whether the picture that came has enough of a colour: the labels are full of their box's
HAS = """(() => {
  const canvas = Object.assign(document.createElement("canvas"), { width: 320, height: 240 });
  const pen = canvas.getContext("2d");
  pen.drawImage(document.querySelector("video.frtc-picture"), 0, 0, 320, 240);
  const { data } = pen.getImageData(0, 0, 320, 240);
  let count = 0;
  for (let at = 0; at < data.length; at += 4) {
    const [r, g, b] = data.slice(at, at + 3);
    count += COLOUR;
  }
  return count > 600;
})()"""
HAS_CAR = HAS.replace("COLOUR", "r < 110 && g > 90 && g < 175 && b > 180")
HAS_PERSON = HAS.replace("COLOUR", "r > 200 && g > 160 && b < 110")


def write_network(path: Path, size: int = SIZE) -> None:
    """As sure of a car as its middle is red, and half as sure of a person."""
    taken = helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, size, size])
    given = helper.make_tensor_value_info("output0", TensorProto.FLOAT, [1, 2, 6])

    def constant(name: str, kind: int, shape: list[int], values: list) -> onnx.TensorProto:
        return helper.make_tensor(name, kind, shape, values)

    numbers = [
        constant("from", TensorProto.INT64, [2], [0, 0]),
        constant("to", TensorProto.INT64, [2], [1, size // 3]),
        constant("axes", TensorProto.INT64, [2], [1, 2]),
        constant("share", TensorProto.FLOAT, [1, 2, 1], [1.0, 0.5]),
        constant("boxes", TensorProto.FLOAT, [1, 2, 4], CAR + PERSON),
        constant("kinds", TensorProto.FLOAT, [1, 2, 1], [CAR_KIND, PERSON_KIND]),
        constant("shape", TensorProto.INT64, [3], [1, 1, 1]),
    ]
    nodes = [
        helper.make_node("Slice", ["images", "from", "to", "axes"], ["red"]),
        helper.make_node("ReduceMean", ["red"], ["mean"], axes=[1, 2, 3], keepdims=1),
        helper.make_node("Reshape", ["mean", "shape"], ["sure"]),
        helper.make_node("Mul", ["sure", "share"], ["scores"]),
        helper.make_node("Concat", ["boxes", "scores", "kinds"], ["output0"], axis=2),
    ]
    graph = helper.make_graph(nodes, "yolo", [taken], [given], numbers)
    opsets = [helper.make_opsetid("", 13)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


async def test_boxes_are_drawn_around_what_is_sure(start_demo, open_page, tmp_path: Path) -> None:
    write_network(tmp_path / "network.onnx")
    demo = start_demo("object_detection", MODEL_PATH=str(tmp_path / "network.onnx"))
    write_street(tmp_path / "street.mjpeg")
    page = await open_page(demo.url, camera=tmp_path / "street.mjpeg")
    await page.start()
    await page.wait_for(f"{HAS_CAR} && {HAS_PERSON}")
    await page.picture("object_detection")
    threshold = page.page.get_by_label("number input for Confidence threshold")
    await threshold.fill("0.6")
    await threshold.blur()
    await page.wait_for(f"!{HAS_PERSON} && {HAS_CAR}")


async def test_a_missing_network_is_said(start_demo, open_page, tmp_path: Path) -> None:
    demo = start_demo("object_detection", MODEL_PATH=str(tmp_path / "nothing.onnx"))
    page = await open_page(demo.url)
    await page.press("Start")
    await page.shows("There is no network to detect with")
    assert "nothing.onnx" in demo.complaints()
