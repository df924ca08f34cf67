import math
from typing import Any

import pytest

from valo_ingest.errors import InvalidMessage
from valo_ingest.wire.json import read, read_object

OBJECT = {"a": [1, "ß😀", None, True, 1.5]}


@pytest.mark.parametrize(
    "payload", ['{"a":[1,"ß😀",null,true,1.5]}', '{"a":[1,"\\u00df\\ud83d\\ude00",null,true,1.5]}']
)
def test_json_is_read_as_text_as_bytes_and_as_the_object_itself(payload: str) -> None:
    assert read_object(payload) == OBJECT
    assert read_object(payload.encode()) == OBJECT
    assert read_object(bytearray(payload.encode())) == OBJECT
    assert read_object(OBJECT) is OBJECT


def test_of_a_key_that_comes_twice_the_last_one_counts() -> None:
    assert read('{"a":1,"a":2}') == {"a": 2}


def test_names_that_are_special_elsewhere_are_ordinary_keys() -> None:
    assert read('{"constructor":1,"__proto__":{"x":2}}') == {"constructor": 1, "__proto__": {"x": 2}}


BAD_TEXTS = [
    "",
    " ",
    "this is not json",
    "{",
    '{"a":1',
    '{"a":1}x',
    '{"a":1}\0',
    "{'a':1}",
    '{"a":01}',
    '{"a":NaN}',
    '{"a":Infinity}',
    '{"a":-Infinity}',
    '{"a":1e999}',
    '{"a":%s}' % ("9" * 5_000),
    '{"a":"\\ud800"}',
    '{"a":"\\udc00\\ud800"}',
    '{"\\ud800":1}',
    '{"a":"\\x"}',
    '{"a":"\n"}',
    '{"a":"\ud800"}',
    "\ufeff{}",
    "[" * 100_000,
    "[" * 100_000 + "]" * 100_000,
    '{"a":' * 3_000 + "1" + "}" * 3_000,
    '{"a":"%s' % ("x" * 1_000_000),
]


@pytest.mark.parametrize("text", BAD_TEXTS, ids=lambda text: repr(text)[:20])
def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(InvalidMessage) as caught:
        read(text)

    assert caught.value.code == "not_json"


@pytest.mark.parametrize(
    "data", [b"\xff", b'{"a":"\xff"}', b'{"\xff":1}', b'{"a":"\xed\xa0\x80"}', b"\xef\xbb\xbf{}"]
)
def test_bytes_that_are_no_utf_8_are_refused(data: bytes) -> None:
    with pytest.raises(InvalidMessage):
        read(data)


@pytest.mark.parametrize(
    "payload", ["null", "[]", "42", '"{}"', "true", None, 42, [], (), 1.5, math.nan, True, ...]
)
def test_anything_but_an_object_is_refused(payload: Any) -> None:
    with pytest.raises(InvalidMessage) as caught:
        read_object(payload)

    assert caught.value.code == "not_object"


def test_a_text_of_a_megabyte_is_read() -> None:
    assert read('{"a":"%s"}' % ("x" * 1_000_000)) == {"a": "x" * 1_000_000}
