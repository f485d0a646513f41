import re

from hypothesis import given
from hypothesis import strategies as st

from portside.export.target import Target, label, labels

# RFC 1035, which is stricter than RFC 1123: what Kubernetes asks of a Service's name.
LABEL = re.compile(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
TYPES = st.lists(st.from_regex(r"[A-Za-z0-9_-]{1,40}", fullmatch=True), max_size=8, unique=True)


@given(st.text())
def test_any_text_becomes_a_label(text: str) -> None:
    assert LABEL.fullmatch(label(text))


@given(TYPES, st.text())
def test_process_types_get_labels_of_their_own_that_fit_behind_a_name(
    types: list[str], name: str
) -> None:
    found = labels(types)
    assert list(found) == types
    assert len(set(found.values())) == len(types)
    assert all(LABEL.fullmatch(f"{label(name)}-{plain}") for plain in found.values())


def test_labels_stay_close_to_what_they_are_made_of() -> None:
    assert label("My Shop_2") == "my-shop-2"
    assert label("2048") == "app-2048"
    assert label("Ünïcode!") == "n-code"
    assert labels(["web", "mail_out", "mail-out", "Mail.Out"]) == {
        "web": "web",
        "mail_out": "mail-out",
        "mail-out": "mail-out-2",
        "Mail.Out": "mail-out-3",
    }


def test_the_digest_changes_with_the_slug_and_suits_a_name() -> None:
    one, other = (Target("shop", key, ("web",), "/app").digest for key in ("A1b2c3d4e5", "ff"))
    assert (one, other) == ("a1b2c3d4", "ff")
