"""Detection bodies and pyramids: the outputs of an independent implementation at every setting, what is frozen, and
that counters see all of it."""

import pytest
import torch

import archprof
from archprof.costs.measured import disagreement, with_measured
from tests.reference.detection_resnet import Body, Deformable, Options, Pyramid
from tests.zoo.twins import assert_same_outputs, built_with_weights_of, maps, randomise

R50, R101, R152 = (3, 4, 6, 3), (3, 4, 23, 3), (3, 8, 36, 3)
ALL = (2, 3, 4, 5)
# name with knobs: (repeats, returned levels, options); deeper bodies stand under the pyramids below
BODIES = {
    "R-50-C4": (R50[:3], (4,), Options()),
    "R-50-C5": (R50, (5,), Options()),
    "R-101-C4": (R101[:3], (4,), Options()),
    "R-50-FPN": (R50, ALL, Options()),
    "R-101-FPN": (R101, ALL, Options()),
    "R-50-FPN@norm=group_norm": (R50, ALL, Options(norm="group")),
    "R-50-FPN@norm=batch_norm": (R50, ALL, Options(norm="batch")),
    "R-50-FPN@stride_in_1x1=false": (R50, ALL, Options(stride_in_1x1=False)),
    "R-50-FPN@groups=32,width_per_group=4,stride_in_1x1=false": (
        R50,
        ALL,
        Options(groups=32, width_per_group=4, stride_in_1x1=False),
    ),
    "R-50-FPN@stem=32,res2=128,norm=group_norm": (R50, ALL, Options(stem=32, res2=128, norm="group")),
    "R-50-FPN@dilation_c5=2": (R50, ALL, Options(dilation={5: 2})),
    "R-50-C5@dilation_c5=4,stride_in_1x1=false": (R50, (5,), Options(dilation={5: 4}, stride_in_1x1=False)),
}
KINDS = {3: "plain", 4: "modulated", 5: "plain"}
DEFORMED = {
    "deform_c4=plain": Options(deform={4: "plain"}),
    "deform_c4=modulated": Options(deform={4: "modulated"}),
    "deform_c3=plain,deform_c4=modulated,deform_c5=plain,deformable_groups=4": Options(
        deform=KINDS, deformable_groups=4
    ),
    "deform_c5=modulated,deformable_groups=4,dilation_c5=2": Options(
        deform={5: "modulated"}, deformable_groups=4, dilation={5: 2}
    ),
    "deform_c5=modulated,stride_in_1x1=false,groups=4": Options(deform={5: "modulated"}, stride_in_1x1=False, groups=4),
}
PYRAMIDS = {
    "resnet50_fpn": (R50, ALL, False),
    "resnet101_fpn": (R101, ALL, False),
    "resnet152_fpn": (R152, ALL, False),
    "resnet50_fpn_retinanet": (R50, (3, 4, 5), True),
    "resnet101_fpn_retinanet": (R101, (3, 4, 5), True),
}


@pytest.mark.few(6)
@pytest.mark.parametrize("name", BODIES)
def test_a_body_gives_the_outputs_of_an_independent_implementation(name):
    torch.manual_seed(7)
    reference = Body(*BODIES[name])
    randomise(reference)
    assert_same_outputs(reference, built_with_weights_of(reference, name), torch.rand(1, 3, 64, 48))


@pytest.mark.few(1)
@pytest.mark.parametrize("settings", DEFORMED)
def test_a_deformable_body_gives_the_outputs_of_sampling_by_hand(settings):
    torch.manual_seed(7)
    reference = Body(R50, ALL, DEFORMED[settings])
    randomise(reference)
    for module in reference.modules():
        if isinstance(module, Deformable):
            torch.nn.init.normal_(module.offset.weight, std=0.05)  # offsets of about a position
    network = built_with_weights_of(reference, f"R-50-FPN@{settings}")
    x = torch.rand(1, 3, 64, 96, dtype=torch.float64)
    with torch.no_grad():
        expected, found = maps(reference.double().eval()(x)), maps(network.double().eval()(x))
    # Sampling by hand adds in another order.
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.few(1)
@pytest.mark.parametrize("settings", DEFORMED)
def test_counters_see_deformable_convolutions(settings):
    report = archprof.analyze(f"R-50-FPN@{settings},resolution=64x96")
    assert (
        disagreement(with_measured(report, archprof.measure(f"R-50-FPN@{settings},resolution=64x96", counter="both")))
        == ""
    )


@pytest.mark.few(2)
@pytest.mark.parametrize("name", PYRAMIDS)
def test_a_pyramid_gives_the_outputs_of_an_independent_implementation(name):
    repeats, levels, retina = PYRAMIDS[name]
    torch.manual_seed(7)
    reference = Pyramid(Body(repeats, levels), tuple(256 * 2 ** (level - 2) for level in levels), retina)
    randomise(reference)
    # 7 positions at C4 and 4 at C5: twice as many are not those below.
    assert_same_outputs(reference, built_with_weights_of(reference, name), torch.rand(1, 3, 112, 96))


@pytest.mark.few(2)
@pytest.mark.parametrize("freeze", range(6))
def test_frozen_stages_are_those_of_the_reference(freeze):
    reference = Body(R50, ALL, Options(norm="group", freeze=freeze))
    network = archprof.build("R-50-FPN", norm="group_norm", freeze=freeze)
    expected = [parameter.requires_grad for parameter in reference.parameters()]
    assert [parameter.requires_grad for parameter in network.parameters()] == expected
    trainable = sum(parameter.numel() for parameter in reference.parameters() if parameter.requires_grad)
    assert archprof.analyze("R-50-FPN", norm="group_norm", freeze=freeze).totals.trainable == trainable


def test_a_frozen_norm_has_no_parameters_and_no_statistics_that_move():
    network = archprof.build("R-50-C4").train()
    before = [buffer.clone() for buffer in network.buffers()]
    network(torch.rand(2, 3, 64, 64))["c4"].sum().backward()
    assert all(map(torch.equal, network.buffers(), before))
    assert all(parameter.dim() == 4 and parameter.grad is not None for parameter in network.parameters())
