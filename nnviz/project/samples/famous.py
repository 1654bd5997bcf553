"""The winners of the ImageNet competition. They are here to be looked at: training them takes days on many GPUs.

For training, choose a folder with your own pictures; the last Linear then needs as many outputs as there are classes.
"""

from __future__ import annotations

from nnviz.project.model import Choice, DataConfig, Graph
from nnviz.project.samples.sketch import (
    Layer,
    Recipe,
    Sketch,
    conv,
    dropout,
    flatten,
    image,
    linear,
    output,
    plain,
    pool,
    relu,
    training,
)


def _pictures(size: int) -> DataConfig:
    return DataConfig("image_folder", {"size": size}, preparation=(Choice("standardise"),))


def _response_norm() -> Layer:
    return plain("local_response_norm", size=5, alpha=1e-4, beta=0.75, k=2.0)


def _classifier(sketch: Sketch) -> None:
    """Two dense layers of 4096 with dropout, then 1000 classes."""
    dense = (relu(), dropout(0.5))
    with sketch.group("classifier"):
        sketch.run([flatten(), linear(4096), *dense, linear(4096), *dense, linear(1000)])
    sketch.add(output())


def _three_convolutions(*channels: int) -> list[Layer]:
    return [layer for count in channels for layer in (conv(count, 3, padding=1), relu())]


def _alexnet() -> Graph:
    sketch = Sketch()
    sketch.run([image(3, 227, 227), conv(96, 11, stride=4), relu(), _response_norm(), pool(3, 2)])
    sketch.run([conv(256, 5, padding=2), relu(), _response_norm(), pool(3, 2)])
    return _ended(sketch)


def _zfnet() -> Graph:
    sketch = Sketch()
    sketch.run([image(3, 224, 224), conv(96, 7, stride=2, padding=1), relu(), pool(3, 2, padding=1), _response_norm()])
    sketch.run([conv(256, 5, stride=2), relu(), pool(3, 2, padding=1), _response_norm()])
    return _ended(sketch)


def _ended(sketch: Sketch) -> Graph:
    """What AlexNet and ZFNet have in common: three convolutions in a row and the dense layers."""
    with sketch.group("conv3 to conv5"):
        sketch.run(_three_convolutions(384, 384, 256))
    sketch.add(pool(3, 2))
    _classifier(sketch)
    return sketch.graph()


def _vgg16() -> Graph:
    sketch = Sketch()
    sketch.add(image(3, 224, 224))
    for number, (count, repeat) in enumerate(((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)), 1):
        with sketch.group(f"block{number}"):
            sketch.run([*_three_convolutions(*[count] * repeat), pool()])
    _classifier(sketch)
    return sketch.graph()


def _conv_norm(channels: int, kernel: int, stride: int = 1, padding: int = 0, epsilon: float = 1e-5) -> list[Layer]:
    """A convolution without bias, and the BatchNorm that makes a bias pointless."""
    convolution = conv(channels, kernel, stride, padding, bias=False, weight_initialisation="he_normal")
    return [convolution, plain("batch_norm2d", epsilon=epsilon)]


def _inception(sketch: Sketch, name: str, one: int, three: tuple[int, int], five: tuple[int, int], pooled: int) -> None:
    """Four views of the same maps side by side; torchvision's network has 3×3 where the paper has 5×5."""
    root = sketch.last

    def unit(channels: int, kernel: int) -> list[Layer]:
        return [*_conv_norm(channels, kernel, padding=kernel // 2, epsilon=1e-3), relu()]

    with sketch.group(f"inception {name}"):
        sketch.add(
            plain("concatenate"),
            sketch.run(unit(one, 1), root),
            sketch.run([*unit(three[0], 1), *unit(three[1], 3)], root),
            sketch.run([*unit(five[0], 1), *unit(five[1], 3)], root),
            sketch.run([pool(3, 1, padding=1, ceil_mode=True), *unit(pooled, 1)], root),
        )


def _googlenet() -> Graph:
    sketch = Sketch()
    sketch.add(image(3, 224, 224))
    with sketch.group("stem"):
        sketch.run([*_conv_norm(64, 7, 2, 3, 1e-3), relu(), pool(3, 2, ceil_mode=True)])
        sketch.run([*_conv_norm(64, 1, epsilon=1e-3), relu(), *_conv_norm(192, 3, padding=1, epsilon=1e-3), relu()])
        sketch.add(pool(3, 2, ceil_mode=True))
    _inception(sketch, "3a", 64, (96, 128), (16, 32), 32)
    _inception(sketch, "3b", 128, (128, 192), (32, 96), 64)
    sketch.add(pool(3, 2, ceil_mode=True))
    _inception(sketch, "4a", 192, (96, 208), (16, 48), 64)
    _inception(sketch, "4b", 160, (112, 224), (24, 64), 64)
    _inception(sketch, "4c", 128, (128, 256), (24, 64), 64)
    _inception(sketch, "4d", 112, (144, 288), (32, 64), 64)
    _inception(sketch, "4e", 256, (160, 320), (32, 128), 128)
    sketch.add(pool(2, 2, ceil_mode=True))
    _inception(sketch, "5a", 256, (160, 320), (32, 128), 128)
    _inception(sketch, "5b", 384, (192, 384), (48, 128), 128)
    with sketch.group("head"):
        sketch.run([plain("adaptive_avg_pool2d"), flatten(), dropout(0.2), linear(1000)])
    sketch.add(output())
    return sketch.graph()


def _residual(sketch: Sketch, name: str, channels: int, stride: int) -> None:
    """Two convolutions and a short cut around them; where the size changes, a 1×1 convolution fits the short cut."""
    root = sketch.last
    body = [*_conv_norm(channels, 3, stride, 1), relu(), *_conv_norm(channels, 3, 1, 1)]
    with sketch.group(name):
        main = sketch.run(body, root)
        shortcut = sketch.run(_conv_norm(channels, 1, stride), root) if stride > 1 else root
        sketch.run([plain("add"), relu()], main, shortcut)


def _resnet18() -> Graph:
    sketch = Sketch()
    sketch.add(image(3, 224, 224))
    with sketch.group("stem"):
        sketch.run([*_conv_norm(64, 7, 2, 3), relu(), pool(3, 2, padding=1)])
    for stage, channels in enumerate((64, 128, 256, 512), 1):
        with sketch.group(f"layer{stage}"):  # As torchvision names them.
            _residual(sketch, f"layer{stage}.0", channels, 1 if stage == 1 else 2)
            _residual(sketch, f"layer{stage}.1", channels, 1)
    with sketch.group("head"):
        sketch.run([plain("adaptive_avg_pool2d"), flatten(), linear(1000)])
    sketch.add(output())
    return sketch.graph()


RECIPES: tuple[Recipe, ...] = (
    Recipe(
        "alexnet",
        "AlexNet (2012)",
        "The network that began the rush to deep learning: 62 million parameters, 94 % of them in the dense layers. "
        "Watch the sizes go 227, 55, 27, 13, 6.",
        _alexnet,
        _pictures(227),
        training("sgd", 0.01, 128, 90, momentum=0.9, weight_decay=5e-4),
    ),
    Recipe(
        "zfnet",
        "ZFNet (2013)",
        "AlexNet, looked into and corrected: its authors drew what each filter sees, and made the first window 7×7 "
        "with stride 2 because 11×11 with stride 4 skipped too much.",
        _zfnet,
        _pictures(224),
        training("sgd", 0.01, 128, 70, momentum=0.9),
    ),
    Recipe(
        "vgg16",
        "VGG-16 (2014)",
        "Nothing but 3×3 convolutions, thirteen of them: two see as far as one of 5×5 and cost less. 138 million "
        "parameters, most of them in the first dense layer.",
        _vgg16,
        _pictures(224),
        training("sgd", 0.01, 256, 74, momentum=0.9, weight_decay=5e-4),
    ),
    Recipe(
        "googlenet",
        "GoogLeNet (2014)",
        "Nine Inception modules look through windows of several sizes at once; 1×1 convolutions keep the channels few. "
        "A tenth of AlexNet's parameters. As in torchvision: with BatchNorm, without the auxiliary classifiers.",
        _googlenet,
        _pictures(224),
        training("sgd", 0.01, 256, 90, momentum=0.9, weight_decay=2e-4),
    ),
    Recipe(
        "resnet18",
        "ResNet-18 (2015)",
        "Every two convolutions have a short cut around them, so the gradient reaches the first layer undiminished. "
        "That is what made networks of a hundred layers trainable.",
        _resnet18,
        _pictures(224),
        training("sgd", 0.1, 256, 90, momentum=0.9, weight_decay=1e-4),
    ),
)
