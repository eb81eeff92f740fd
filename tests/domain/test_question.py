"""The question that a page asks: words as translators list them, and answers as people type them."""

import pytest

from chalicelib.domain.question import is_answer, words_of


@pytest.mark.parametrize("said", [" bell, lamp,stone ", "bell، lamp، stone", "bell、lamp、stone", "bell，lamp，stone,"])
def test_words_are_parted_by_any_comma(said: str) -> None:
    assert words_of(said) == ["bell", "lamp", "stone"]


@pytest.mark.parametrize(
    ("word", "given", "right"),
    [
        pytest.param("bell", "bell", True, id="as it stands"),
        pytest.param("bell", " BELL. ", True, id="louder"),
        pytest.param("bell", "“bell”", True, id="in quotes"),
        pytest.param("bell", "ｂｅｌｌ", True, id="full width"),
        pytest.param("jardín", "jardin", True, id="without its accent"),
        pytest.param("cây cầu", "caycau", True, id="two parts"),
        pytest.param("حديقة", "حَدِيقة", True, id="with vowels"),
        pytest.param("花园", "花园", True, id="Chinese"),
        pytest.param("bell", "bells", False, id="more"),
        pytest.param("bell", "", False, id="nothing"),
        pytest.param("bell", "12", False, id="no letter"),
        pytest.param("bell", "bell" * 1000, False, id="endless"),
    ],
)
def test_an_answer_is_right_however_it_is_typed(word: str, given: str, right: bool) -> None:
    assert is_answer(word, given) is right
