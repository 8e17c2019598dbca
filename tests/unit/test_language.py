import pytest

from data.language import arabic_share


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("أعلنت الحكومة، في ٢٠١٩، تمديد الحظر.", 1.0, 1.0),
        ("The Security Council extended the embargo.", 0.0, 0.0),
        ("طائرة F-16 تابعة لسلاح الجو", 0.9, 1.0),
        ("این یک متن فارسی است که در آن گفتگو و پیچ و چاپ هست", 0.0, 0.0),
        ("12345 !!", 0.0, 0.0),
        ("", 0.0, 0.0),
        ("ﻣﺮﺣﺒﺎ ﺑﻜﻢ", 1.0, 1.0),
    ],
)
def test_share_of_arabic_letters(text: str, low: float, high: float) -> None:
    assert low <= arabic_share(text) <= high
