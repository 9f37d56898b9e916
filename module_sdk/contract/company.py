"""The company that a module works for."""

from typing import Annotated, Literal

import msgspec

from module_sdk.contract.text import LINE, PROSE

Size = Literal["1", "2-10", "11-50", "51-200", "201-1000", "1001+"]
Stage = Literal["idea", "pre_seed", "seed", "series_a", "series_b_plus", "profitable", "public"]


class CompanyProfile(msgspec.Struct, frozen=True, kw_only=True):
    """The business profile; it is what the executives know of the company."""

    industry: Annotated[str, msgspec.Meta(max_length=80, pattern=LINE, examples=["Industrial robotics"])] = ""
    size: Size | None = None
    stage: Stage | None = None
    country: (
        Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{2}$(?!\n)", description="ISO 3166-1 alpha-2", examples=["DE"])]
        | None
    ) = None
    currency: Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{3}$(?!\n)", description="ISO 4217", examples=["EUR"])] = (
        "USD"
    )
    time_zone: Annotated[
        str,
        msgspec.Meta(
            max_length=64,
            pattern=LINE,
            description="IANA name",
            examples=["Europe/Berlin"],
            extra_json_schema={"format": "time-zone"},
        ),
    ] = "UTC"
    goals: Annotated[
        list[Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=LINE)]],
        msgspec.Meta(max_length=10, examples=[["Double revenue this year"]]),
    ] = msgspec.field(default_factory=list)
    description: Annotated[str, msgspec.Meta(max_length=4000, pattern=PROSE)] = ""


class CompanyFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a module may know of the company it works for."""

    name: str
    profile: CompanyProfile
