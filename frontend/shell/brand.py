"""The product's mark."""

import reflex as rx


def mark(size: int = 24) -> rx.Component:
    """A head at a table, seen from above; decoration beside the name."""
    return rx.el.svg(
        rx.el.svg.rect(width="32", height="32", rx="7", fill="var(--accent)"),
        rx.el.svg.path(
            d="M9 20.5a8 8 0 1 1 14 0", fill="none", stroke="var(--on-accent)", stroke_width="3", stroke_linecap="round"
        ),
        rx.el.svg.circle(cx="16", cy="22", r="2.75", fill="var(--on-accent)"),
        view_box="0 0 32 32",
        width=size,
        height=size,
        aria_hidden=True,
    )


def wordmark() -> rx.Component:
    """The mark with the name."""
    return rx.el.span(mark(), rx.el.span("OCSuite"), class_name="wordmark")
