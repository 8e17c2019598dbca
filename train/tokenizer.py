"""The tokenizer: Arabic normalisation and byte-pair encoding, both inside one ``tokenizer.json``.

The normaliser is part of the file, so that training and serving cannot drift apart and offsets
point into the text as the reader sent it. Run through ``python -m train pretrain``.
"""

from __future__ import annotations

from collections.abc import Iterable

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")

# Tatweel, harakat, Quranic marks, zero-width and bidirectional controls: present or absent by desk, never by meaning.
_MARKS = "[\u0640\u064b-\u065f\u0670\u06d6-\u06ed\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]"


def arabic_marks() -> normalizers.Normalizer:
    """Takes away what is present or absent by desk: tatweel, harakat, direction marks. Safe before any encoder."""
    return normalizers.Replace(Regex(_MARKS), "")


def arabic_normalizer() -> normalizers.Normalizer:
    """NFKC, no marks, one alef, one final ya, Latin digits, lower case.

    Ta marbuta is kept: unlike hamza and ya it separates words (مدرسة / مدرسه).
    """
    digits = [normalizers.Replace(chr(0x0660 + d), str(d)) for d in range(10)]
    digits += [normalizers.Replace(chr(0x06F0 + d), str(d)) for d in range(10)]
    return normalizers.Sequence(
        [
            normalizers.NFKC(),
            arabic_marks(),
            normalizers.Replace(Regex("[\u0622\u0623\u0625\u0671]"), "\u0627"),
            normalizers.Replace("\u0649", "\u064a"),
            normalizers.Replace("\u06cc", "\u064a"),
            normalizers.Replace("\u06a9", "\u0643"),
            *digits,
            normalizers.Lowercase(),
        ]
    )


def train_tokenizer(texts: Iterable[str], vocabulary: int) -> Tokenizer:
    """Train a BPE tokenizer of ``vocabulary`` entries on ``texts``."""
    tokenizer = Tokenizer(models.BPE(unk_token=SPECIAL[1]))
    tokenizer.normalizer = arabic_normalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Punctuation(), pre_tokenizers.Digits(), pre_tokenizers.Metaspace()]
    )
    tokenizer.decoder = decoders.Metaspace()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        min_frequency=3,
        special_tokens=[AddedToken(t, special=True) for t in SPECIAL],
        limit_alphabet=400,
    )
    tokenizer.train_from_iterator(texts, trainer)
    cls, sep = tokenizer.token_to_id("[CLS]"), tokenizer.token_to_id("[SEP]")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", cls), ("[SEP]", sep)]
    )
    return tokenizer


def fertility(tokenizer: Tokenizer, texts: Iterable[str]) -> float:
    """Tokens per whitespace word over ``texts`` (1.0 would be a word a token)."""
    tokens = words = 0
    for text in texts:
        tokens += len(tokenizer.encode(text, add_special_tokens=False).ids)
        words += len(text.split())
    return tokens / max(words, 1)
