from portside.effects.redaction import MASK, Redactor
from portside.model.app_json import AppJson, DeclaredVar, VarSource
from portside.steps.config_vars import AppVars, complete

DECLARED = AppJson(
    config_vars=(
        DeclaredVar("MODE", VarSource.DEFAULT),
        DeclaredVar("KEY", VarSource.GENERATED),
        DeclaredVar("SALT", VarSource.GENERATED),
        DeclaredVar("URL", VarSource.REQUIRED, "Where."),
        DeclaredVar("DSN", VarSource.OPTIONAL),
    ),
    defaults=(("MODE", "calm"),),
)


def test_what_nobody_gave_is_added_or_missing() -> None:
    added = complete(DECLARED, {})
    assert added.defaults == {"MODE": "calm"}
    assert added.missing == (("URL", "Where."),)
    assert sorted(added.generated) == ["KEY", "SALT"]
    assert all(len(bytes.fromhex(value)) == 32 for value in added.generated.values())
    values = {*added.generated.values(), *complete(DECLARED, {}).generated.values()}
    assert len(values) == 4


def test_what_was_given_wins_even_when_it_is_empty() -> None:
    given = {"MODE": "", "KEY": "mine", "SALT": "", "URL": ""}
    assert complete(DECLARED, given) == AppVars()
    assert complete(None, {}) == AppVars()


def test_a_key_is_masked_line_by_line_and_a_header_whatever_its_value_is() -> None:
    key = "-----BEGIN KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmU\nAAAA\n-----END KEY-----\n"
    redact = Redactor([key])
    assert redact("has b3BlbnNzaC1rZXktdjEAAAAABG5vbmU in it") == f"has {MASK} in it"
    assert redact("-----END KEY----- AAAA") == "-----END KEY----- AAAA"
    assert redact("x='Authorization: Basic bWU6cHc='") == f"x='Authorization: Basic {MASK}'"


def test_a_redactor_masks_more_secrets_beside_its_own() -> None:
    redact = Redactor(["first-secret"]).beside(["second-secret"])
    assert redact("first-secret second-secret third") == f"{MASK} {MASK} third"
