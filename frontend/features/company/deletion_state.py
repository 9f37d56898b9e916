"""Deleting a company: asked for with its short name typed, called off until it is due; and receipts of what is gone."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import reflex as rx

from frontend import words
from frontend.kit.form import Form, form_key
from frontend.platform.download_routes import RECEIPTS_PATH
from frontend.platform.problems import field_errors
from frontend.platform.session import Notice, SessionState
from module_sdk.api.client import ApiError
from module_sdk.api.tenants import DeletionRequest, ErasureReceipt

RECEIPT_ROWS: Final = 20


@dataclass(frozen=True)
class ReceiptView:
    """What a receipt says, and where its file is."""

    id: str = ""
    company: str = ""
    erased: str = ""
    erased_iso: str = ""
    erased_exact: str = ""
    what: str = ""
    href: str = ""


class DeletionState(SessionState):
    """The danger zone of the settings, the banner of a company that will be erased, and the person's receipts."""

    form: Form = Form.of("confirmation")
    keeping: bool = False
    receipts: list[ReceiptView] = []

    @rx.event
    async def load_receipts(self) -> None:
        """Read the person's receipts; there are none for most people, and then nothing is shown."""
        if self._session_value() is None:
            return
        async with self._talk() as api:
            page = await api.erasure_receipts(limit=RECEIPT_ROWS)
            self.receipts = [receipt_view(receipt, datetime.now(UTC)) for receipt in page.items]

    @rx.event
    def dismiss(self) -> None:
        """Delete nothing."""
        self.form = self.form.fresh()

    @rx.event
    async def delete(self, form: dict[str, Any]) -> Any:
        """Ask for the company to be erased; its short name has to be typed."""
        typed = str(form.get("confirmation", "")).strip()
        if typed != self.company.slug:
            self.form = self.form.refused(confirmation=f"Type {self.company.slug} to confirm.")
            return
        self.form = self.form.begun()
        yield
        async with self._talk() as api:
            wanted = DeletionRequest(confirmation=typed)
            try:
                await self._tenant(api).request_deletion(wanted, idempotency_key=form_key(form))
            except ApiError as error:
                if found := field_errors(error.problem, ("confirmation",)):
                    self.form = self.form.refused(fields=found)
                    return
                if error.problem.code == "deletion_requested":
                    await self._enter()  # somebody else was faster: the banner says when
                raise
            await self._enter()
            self._tell(Notice(kind="info", title="Deletion is planned", detail=f"For {self.company.erased_on}."))
        self.form = self.form.finished()

    @rx.event
    async def keep(self) -> Any:
        """Call the deletion off."""
        if self.keeping:
            return
        self.keeping = True
        yield
        async with self._talk() as api:
            try:
                await self._tenant(api).cancel_deletion()
            except ApiError as error:
                # Somebody else was faster: the company stays either way.
                if error.problem.code != "not_found":
                    raise
            await self._enter()
            self._tell(Notice(kind="success", title="The company stays", detail="Its deletion was called off."))
        self.keeping = False


def receipt_view(receipt: ErasureReceipt, now: datetime) -> ReceiptView:
    """``receipt`` in words."""
    rows, keys = words.count(sum(receipt.rows.values()), "row"), words.count(receipt.keys, "key")
    return ReceiptView(
        id=str(receipt.id),
        company=receipt.tenant_name,
        erased=words.ago(receipt.erased_at, now),
        erased_iso=receipt.erased_at.isoformat(),
        erased_exact=words.exact(receipt.erased_at),
        what=f"{rows} and {keys} destroyed",
        href=f"{RECEIPTS_PATH}/{receipt.id}.json",
    )
