"""Networks in two forms: with the weights that those of the form for training fold to, the form in which they are run
gives the same outputs. The smallest of each folder by day, all of them by night."""

import pytest
import torch

import archprof
from archprof.runtime.build import build_network
from tests.by_day import in_two_forms, smallest_by_day
from tests.zoo.folding import fold, set_folded
from tests.zoo.twins import randomise


def in_steps(trained, deployed, x):
    """Return what both forms give, in turn: at each activation, gate and pooling that both have, from which the form in
    which a network is run goes on with what the other had, and at the end. Without that, fifty rows whose gates grow
    steep, as RepVGG-D2SE's do here, make all of an output of the last bit of an input."""
    modules = [dict(one.named_modules()) for one in (trained, deployed)]
    both = [name for name, one in modules[0].items() if type(modules[1].get(name)) is type(one) and _is_plain(one)]
    given: dict[str, list[torch.Tensor]] = {name: [] for name in both}
    found = []

    def goes_on(name, output):
        found.append((given[name].pop(0), output.clone()))
        return found[-1][0].clone()

    for name in both:
        modules[0][name].register_forward_hook(lambda _, __, output, name=name: given[name].append(output.clone()))
        modules[1][name].register_forward_hook(lambda _, __, output, name=name: goes_on(name, output))
    with torch.no_grad():
        found.append((trained(x), deployed(x)))
    assert not any(given.values())
    return found


def _is_plain(module):
    return not [*module.children()] and not [*module.parameters()] and not isinstance(module, torch.nn.Identity)


@pytest.mark.few(4)
@pytest.mark.parametrize("name", smallest_by_day(in_two_forms()))
def test_both_forms_are_the_same_function(name):
    torch.manual_seed(7)
    graphs = [archprof.expand(name, resolution=64, deploy=deploy) for deploy in (False, True)]
    trained, deployed = (build_network(graph).double().eval() for graph in graphs)
    randomise(trained)
    set_folded(fold(graphs[1], deployed), fold(graphs[0], trained))
    for expected, found in in_steps(trained, deployed, torch.randn(2, 3, 64, 64).double()):
        assert (found - expected).abs().max() <= 1e-9 * expected.abs().max()
