"""Inception and Inception-ResNet by name."""

from __future__ import annotations

from collections.abc import Mapping

from resnets.spec import InceptionResNetSpec, InceptionSpec, NormSpec, Spec

TENSORFLOW = NormSpec(eps=1e-3)
"""Batch normalisation as the published networks have it: they were trained with TensorFlow."""

INCEPTION: Mapping[str, Spec] = {
    # [Szegedy 2014, Table 1]: true 5x5, local response norms, two auxiliary heads; initialised as Caffe does
    "googlenet": InceptionSpec(
        norm=NormSpec(kind="none"), auxiliary=True, dropout=0.4, initialization="xavier_uniform"
    ),
    # as TensorFlow and torchvision ship it: batch norm, 3x3 for 5x5, a 2x2 last max-pool
    "googlenet_3x3": InceptionSpec(layout="googlenet_3x3", auxiliary=True, norm=TENSORFLOW, dropout=0.2),
    # [Ioffe 2015, Figure 5]
    "bn_inception": InceptionSpec(layout="bn_inception"),
    # [Szegedy 2015, Table 1]
    "inception_v3": InceptionSpec(layout="v3", auxiliary=True, norm=TENSORFLOW, dropout=0.5),
    # [Szegedy 2016]
    "inception_v4": InceptionSpec(layout="v4", norm=TENSORFLOW, dropout=0.2),
    "inception_resnet_v1": InceptionResNetSpec(layout="v1", num_blocks=(5, 10, 6), norm=TENSORFLOW, dropout=0.2),
    "inception_resnet_v2": InceptionResNetSpec(layout="v2", norm=TENSORFLOW, dropout=0.2),
    # for small images: [Zhang 2017, Figure 3], and our own quarter of Inception-ResNet-v1
    "inception_small": InceptionSpec(layout="small", stem="small", num_classes=10),
    "inception_resnet_small": InceptionResNetSpec(
        layout="v1", stem="small", width=0.25, num_blocks=(2, 3, 2), norm=TENSORFLOW, num_classes=10
    ),
}
