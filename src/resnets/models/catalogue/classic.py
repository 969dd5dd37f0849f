"""The classics that residual networks are compared with."""

from __future__ import annotations

from collections.abc import Mapping

from resnets.spec import AlexNetSpec, LeNetSpec, MLPConvSpec, MLPSpec, NiNSpec, Spec, VGGSpec, replace

VGGS: Mapping[str, VGGSpec] = {
    # [Simonyan 2014, Table 1 A, B, D, E]
    "vgg11": VGGSpec(num_convs=(1, 1, 2, 2, 2)),
    "vgg13": VGGSpec(num_convs=(2, 2, 2, 2, 2)),
    "vgg16": VGGSpec(num_convs=(2, 2, 3, 3, 3)),
    "vgg19": VGGSpec(num_convs=(2, 2, 4, 4, 4)),
}

CLASSICS: Mapping[str, Spec] = {
    # [Ioffe 2015, section 4.1]: three hidden layers of 100 sigmoids on MNIST
    "mlp3x100": MLPSpec(in_channels=1, num_classes=10),
    "mlp3x100_bn": MLPSpec(in_channels=1, num_classes=10, batch_norm=True),
    "perceptron": MLPSpec(in_channels=1, num_classes=10, hidden=()),
    # [LeCun 1998, section II-B], and as Dive into Deep Learning teaches it
    "lenet5": LeNetSpec(in_channels=1, num_classes=10, initialization="xavier_uniform"),
    "lenet5_d2l": LeNetSpec(
        in_channels=1,
        num_classes=10,
        image_size=28,
        subsampling="average",
        connections="all",
        activation="sigmoid",
        initialization="xavier_uniform",
    ),
    # [Krizhevsky 2014], as torchvision has it, and [Krizhevsky 2012] in two towers
    "alexnet": AlexNetSpec(),
    "alexnet_2012": AlexNetSpec(towers=2),
    **VGGS,
    **{f"{name}_bn": replace(spec, batch_norm=True) for name, spec in VGGS.items()},
    # on 32x32 pixels, as is usual there: one linear layer after the last pool
    "cifar_vgg16_bn": replace(VGGS["vgg16"].for_small_images, batch_norm=True),
    # [Lin 2013]: for CIFAR; for ImageNet as in Caffe's model zoo; as Dive into Deep Learning teaches it
    "nin": NiNSpec(num_classes=10),
    "nin_imagenet": NiNSpec(
        stages=(
            MLPConvSpec(kernel=11, stride=4, widths=(96, 96, 96)),
            MLPConvSpec(kernel=5, widths=(256, 256, 256)),
            MLPConvSpec(kernel=3, widths=(384, 384, 384), dropout=0.5),
            MLPConvSpec(kernel=3, widths=(1024, 1024)),
        ),
        usual_size=224,
    ),
    "nin_d2l": NiNSpec(
        in_channels=1,
        num_classes=10,
        stages=(
            MLPConvSpec(kernel=11, stride=4, widths=(96, 96, 96)),
            MLPConvSpec(kernel=5, widths=(256, 256, 256)),
            MLPConvSpec(kernel=3, widths=(384, 384, 384), dropout=0.5),
            MLPConvSpec(kernel=3, widths=(10, 10)),
        ),
        round_up=False,
        usual_size=224,
        initialization="xavier_uniform",
    ),
}
