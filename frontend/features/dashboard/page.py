"""``/dashboard``: key figures with where they come from."""

import reflex as rx

from frontend.features.dashboard.state import (
    CHART_HEIGHT,
    CHART_WIDTH,
    ChartView,
    DashboardState,
    MetricView,
    PointView,
    Tick,
)
from frontend.kit.feedback import problem_panel
from frontend.kit.primitives import button, card, empty_state, icon, link_button, skeleton, time_ago
from frontend.shell.frame import shell


def page() -> rx.Component:
    """The dashboard."""
    content = rx.cond(
        DashboardState.loaded,
        _figures(),
        rx.cond(DashboardState.failed, problem_panel(DashboardState.problem, DashboardState.load), _loading()),
    )
    return shell("Dashboard", content, link_button("Ask the CEO", "/chat", kind="primary", icon_name="message-square"))


def _figures() -> rx.Component:
    return rx.el.div(
        rx.cond(DashboardState.unfinished, _finish_setup(), rx.fragment()),
        rx.cond(DashboardState.demonstration != "", _demonstration(), rx.fragment()),
        rx.cond(
            DashboardState.partial,
            rx.el.p(
                icon("triangle-alert"),
                "Some sources did not answer; the figures below are incomplete.",
                class_name="callout tone-warning",
            ),
            rx.fragment(),
        ),
        rx.cond(
            DashboardState.metrics,
            rx.fragment(
                rx.el.h2("Key figures", class_name="visually-hidden"),
                rx.el.div(rx.foreach(DashboardState.metrics, _metric), class_name="metric-grid"),
                rx.el.div(rx.foreach(DashboardState.main_charts, _chart), class_name="chart-grid"),
            ),
            empty_state(
                "No figures yet",
                "Figures appear here as soon as a tool that knows them is connected.",
                icon_name="chart-line",
            ),
        ),
        rx.el.footer(
            rx.el.span(
                "Read ",
                time_ago(DashboardState.read_at, iso=DashboardState.read_at_iso, exact=DashboardState.read_at_exact),
            ),
            button("Refresh", kind="quiet", icon_name="rotate-cw", on_click=DashboardState.load),
            class_name="dashboard-foot",
        ),
        class_name="dashboard",
    )


def _demonstration() -> rx.Component:
    return rx.el.p(
        icon("flask-conical"),
        rx.el.span(
            rx.el.strong("Demonstration data. "),
            "These figures are invented so that you can look around. They are replaced once you connect your own "
            "tools.",
        ),
        class_name="callout tone-info",
    )


def _finish_setup() -> rx.Component:
    return rx.el.div(
        rx.el.span(
            icon("list-checks"),
            "Your company's set-up is not finished. The more your executives know, the better they answer.",
            class_name="callout-words",
        ),
        link_button("Finish set-up", "/onboarding"),
        class_name="callout callout-action tone-accent",
    )


def _metric(metric: MetricView) -> rx.Component:
    return rx.el.article(
        rx.el.header(
            rx.el.h3(metric.label, class_name="metric-label"),
            rx.cond(
                metric.change != "",
                rx.el.span(
                    rx.match(
                        metric.direction,
                        ("up", icon("arrow-up", size=12)),
                        ("down", icon("arrow-down", size=12)),
                        icon("minus", size=12),
                    ),
                    rx.el.span(metric.change, aria_hidden=True),
                    rx.el.span(metric.spoken, class_name="visually-hidden"),
                    class_name="metric-change",
                    custom_attrs={"data-verdict": metric.verdict},
                ),
                rx.fragment(),
            ),
            class_name="metric-head",
        ),
        rx.el.p(metric.value, class_name="metric-value"),
        rx.el.svg(
            rx.el.svg.path(d=metric.area, class_name="spark-area"),
            rx.el.svg.path(d=metric.stroke, class_name="spark-line"),
            view_box="0 0 120 36",
            class_name="spark",
            aria_hidden=True,
            custom_attrs={"data-verdict": metric.verdict, "preserveAspectRatio": "none"},
        ),
        rx.el.p(
            rx.el.span(metric.period),
            rx.el.span(time_ago(metric.as_of, iso=metric.as_of_iso, exact=metric.as_of_exact)),
            class_name="metric-foot",
        ),
        rx.el.p(metric.source, class_name="metric-source", title="Where this figure comes from"),
        class_name="card metric",
    )


def _chart(chart: ChartView) -> rx.Component:
    return rx.el.figure(
        rx.el.figcaption(
            rx.el.h3(chart.title, class_name="metric-label"),
            rx.el.p(
                rx.el.span(chart.value, class_name="metric-value"), rx.el.span(chart.note, class_name="chart-note")
            ),
            class_name="chart-head",
        ),
        rx.el.div(
            rx.el.svg(
                rx.foreach(chart.rows, _row_line),
                rx.el.svg.path(d=chart.area, class_name="spark-area"),
                rx.el.svg.path(d=chart.stroke, class_name="spark-line"),
                view_box=f"0 0 {CHART_WIDTH} {CHART_HEIGHT}",
                class_name="chart-svg",
                role="img",
                aria_label=chart.spoken,
                custom_attrs={"preserveAspectRatio": "none"},
            ),
            rx.el.div(rx.foreach(chart.rows, _row_words), class_name="chart-rows", aria_hidden=True),
            rx.el.div(rx.foreach(chart.columns, _column_words), class_name="chart-columns", aria_hidden=True),
            class_name="chart-body",
        ),
        rx.el.details(
            rx.el.summary("Show as a table", class_name="chart-summary"),
            rx.el.table(
                rx.el.thead(rx.el.tr(rx.el.th("Date", scope="col"), rx.el.th(chart.title, scope="col"))),
                rx.el.tbody(rx.foreach(chart.points, _point)),
                class_name="chart-table",
            ),
        ),
        class_name="card chart",
    )


def _row_line(tick: Tick) -> rx.Component:
    return rx.el.svg.line(x1="0", x2=str(CHART_WIDTH), y1=tick.at, y2=tick.at, class_name="chart-grid-line")


def _row_words(tick: Tick) -> rx.Component:
    return rx.el.span(tick.words, style={"top": f"calc(100% * {tick.at} / {CHART_HEIGHT})"})


def _column_words(tick: Tick) -> rx.Component:
    return rx.el.span(tick.words, style={"left": f"calc(100% * {tick.at} / {CHART_WIDTH})"})


def _point(point: PointView) -> rx.Component:
    return rx.el.tr(rx.el.td(point.when), rx.el.td(point.value))


def _loading() -> rx.Component:
    return rx.el.div(
        rx.el.div(
            *(
                rx.el.div(
                    skeleton("45%", "14px"),
                    skeleton("60%", "28px"),
                    skeleton("100%", "36px"),
                    skeleton("70%", "12px"),
                    class_name="card metric metric-loading",
                )
                for _ in range(6)
            ),
            class_name="metric-grid",
        ),
        rx.el.div(
            *(card(skeleton("30%", "14px"), skeleton("100%", "220px"), class_name="metric-loading") for _ in range(2)),
            class_name="chart-grid",
        ),
        rx.el.span("Loading figures", class_name="visually-hidden", role="status"),
        class_name="dashboard",
    )
