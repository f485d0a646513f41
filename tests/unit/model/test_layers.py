from portside.model.layers import KeyInput, LayerKey


def key(**inputs: str) -> LayerKey:
    return LayerKey("dependencies", tuple(KeyInput(n, v) for n, v in inputs.items()))


def test_digest_does_not_depend_on_the_order_of_inputs() -> None:
    assert key(a="1", b="2").digest == key(b="2", a="1").digest


def test_digest_depends_on_every_value() -> None:
    assert key(a="1").digest != key(a="2").digest


def test_changes_name_values_but_not_digests() -> None:
    before = key(python="3.12.1", text="0" * 64, gone="x")
    after = key(python="3.12.2", text="1" * 64, new="y")
    assert after.changes_since(before) == (
        "python changed from 3.12.1 to 3.12.2",
        "text changed",
        "new is new",
        "gone is gone",
    )
