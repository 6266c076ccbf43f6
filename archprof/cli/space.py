"""archprof space: whole search spaces, counted, sampled and searched exactly."""

from archprof.cli import device_options, limit_options, options, setup_options, space_options
from archprof.cli.output import choose_format, deliver, plot_target
from archprof.render.formats import Result


def command(
    model: options.Model,
    *,
    limits: limit_options.Limits,
    on_device: device_options.OnDevice,
    words: setup_options.Words,
    deployed: setup_options.Deployed,
    width: options.Width = None,
    resolution: space_options.Resolution = None,
    classes: options.Classes = None,
    set: options.Set = None,
    fix: space_options.Fix = None,
    wanted: space_options.Wanted,
    workers: space_options.Workers,
    plot: space_options.Plot = None,
    format: options.Format = None,
    output: options.Output = None,
    no_color: options.NoColor = False,
) -> None:
    """Whole search spaces, exactly: how many networks there are, which fit, and which of them are best.

    A spec whose cells are choices is a space. Its networks are not tried one by one: costs add up along its rows, so
    that all of them are counted, ranked and searched at once. Bytes and times are of whole networks, and are looked at
    network by network, the best first. Exit 1 where no network keeps the limits.
    """
    from archprof.sweep.asking import require_numpy

    require_numpy("space")
    from archprof.render.space import is_none, none_text, space_table
    from archprof.space.wanted import request_of
    from archprof.spec.variant import parse_setting

    chosen = choose_format("space", format, output)
    settings = options.settings(width, None, classes, set)
    asked = wanted.words(limits, resolution, chosen)
    setup = setup_options.setup_if_asked(words.asked(None, deployed))
    on = device_options.device_if_asked(on_device, words)
    fixed = [parse_setting(text) for text in fix or ()]
    request = request_of(model, settings, asked, setup, on, fixed=fixed)._replace(**workers._asdict())
    found = space_options.with_progress(request)
    if wanted.write_spec is not None:
        space_options.write_first(wanted.write_spec, request, found)
    none = is_none(found)
    if plot is not None and not none:
        from archprof.render.plot_space import plot_space

        plot_space(found, plot_target(plot, chosen, output, no_color=no_color))
    result = Result(found, lambda: space_table(found), 1 if none else 0, none_text(found) if none else "")
    deliver(result, chosen, output, no_color=no_color)
