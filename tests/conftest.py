"""What tests share: small random encoders saved in Hugging Face layouts, and a sealed checkpoint over one of them."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import BertConfig, BertModel, ModernBertConfig, ModernBertModel, PreTrainedTokenizerFast

from data.article import Article, Label, LabelledArticle
from data.sentences import split_sentences
from data.taxonomy import Taxonomy
from models.checkpoint import Checkpoint, seal
from models.classifier import Classifier
from models.contract import Calibration, Contract, Windows
from models.network import build_network
from models.selftest import FILE, write_selftest
from models.weights import save_weights
from train.export import export_graph
from train.tokenizer import SPECIAL, train_tokenizer

os.environ.setdefault("HF_HUB_OFFLINE", "1")
# Jobs of a test's server stay out of the home folder.
os.environ["WIJHA_JOBS_FOLDER"] = str(Path(tempfile.gettempdir()) / f"wijha-test-jobs-{os.getpid()}")

SENTENCES = [
    "وصلت سفينة شحن إلى ميناء الخمس فجر الثلاثاء وعلى متنها حاويات لم تُفتّش.",
    "قال المتحدث باسم البعثة إن المباحثات بين الطرفين ستستأنف في جنيف الأسبوع المقبل.",
    "رفض المجلس البلدي وجود أي قوة أجنبية على أرض المدينة، ودعا إلى رحيلها فوراً.",
    "ارتفع سعر الخبز في أسواق سبها بعد توقف الشاحنات القادمة من الشمال.",
    "يقضي القرار بتمديد حظر توريد السلاح سنة أخرى مع تفتيش السفن في أعالي البحار.",
    "هزم فريق الأهلي ضيفه بهدفين في مباراة لم تخلُ من الخشونة.",
    "شنّت طائرات مسيّرة غارات على قاعدة الوطية، وأُصيب ثلاثة جنود.",
    "افتتح معرض الكتاب في بنغازي بمشاركة ٤٠ دار نشر من سبع دول عربية.",
]


def article(number: int, sentences: int = 6, name: str | None = None) -> Article:
    """A small article of its own order of sentences."""
    chosen = [SENTENCES[(number * 3 + i * (number % 3 + 1)) % len(SENTENCES)] for i in range(sentences)]
    return Article(name or f"a{number}", f"خبر رقم {number}", "\n".join(chosen))


def labelled(number: int, taxonomy: Taxonomy, *, split: str = "", sentences: int = 6) -> LabelledArticle:
    """The article with a label for each topic, drawn from its number; the first sentence is its evidence."""
    item = article(number, sentences)
    first = split_sentences(item.text)[0]
    labels = {}
    for k, topic in enumerate(taxonomy.ids):
        relevant = (number + k) % 2 == 0
        stance = taxonomy.stances[(number // 2 + k) % len(taxonomy.stances)] if relevant else None
        labels[topic] = Label(relevant, stance, (first,) if relevant else None)
    return LabelledArticle(item, labels, event=f"event-{number}", outlet=f"outlet-{number % 4}", split=split)


@pytest.fixture(scope="session")
def taxonomy() -> Taxonomy:
    return Taxonomy.read()


@pytest.fixture(scope="session")
def modernbert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random ModernBERT of two layers with our kind of tokenizer."""
    folder = tmp_path_factory.mktemp("modernbert")
    tokenizer = train_tokenizer(SENTENCES * 5, 400)
    torch.manual_seed(0)
    config = ModernBertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        local_attention=16,
        max_position_embeddings=256,
        pad_token_id=0,
        bos_token_id=2,
        cls_token_id=2,
        eos_token_id=3,
        sep_token_id=3,
    )
    ModernBertModel(config).save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def bert_folder(folder: Path, *, lower: bool, files: str) -> Path:
    """A random BERT saved the way AraBERT (``fast``) or CAMeLBERT (``slow``: vocab.txt alone) is."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lower)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    order = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    # a tatweel in the vocabulary, as many a real one has
    texts = [*SENTENCES * 5, *["ـ"] * 9]
    tokenizer.train_from_iterator(texts, trainers.WordPieceTrainer(vocab_size=400, special_tokens=order))
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
    )
    BertModel(config).save_pretrained(folder)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
    )
    if files == "fast":
        fast.save_pretrained(folder)
    else:
        words = sorted(tokenizer.get_vocab(), key=lambda word: tokenizer.get_vocab()[word])
        (folder / "vocab.txt").write_text("\n".join(words) + "\n", encoding="utf-8")
        (folder / "tokenizer_config.json").write_text(
            '{"tokenizer_class": "BertTokenizer", "do_lower_case": false}', encoding="utf-8"
        )
    return folder


def make_checkpoint(base: Path, folder: Path, taxonomy: Taxonomy, *, int8: bool = True, window: int = 64) -> Checkpoint:
    """A sealed checkpoint with random heads."""
    folder.mkdir(parents=True, exist_ok=True)
    topics, stances = len(taxonomy.topics), len(taxonomy.stances)
    torch.manual_seed(1)
    network = build_network(base, topics=topics, stances=stances)
    torch.nn.init.normal_(network.heads.weight, std=1.0)
    weights = {name: value.detach().numpy() for name, value in network.state_dict().items()}
    save_weights(folder / "model.safetensors", weights, int8=int8)
    network.encoder.config.save_pretrained(folder)  # type: ignore[union-attr,operator]  # a transformers model
    (folder / "tokenizer.json").write_bytes((base / "tokenizer.json").read_bytes())
    export_graph(folder, topics=topics, stances=stances)
    contract = Contract(taxonomy, Windows(window, 16), tuple(Calibration() for _ in taxonomy.topics))
    manifest = {
        "name": "small",
        "made": "2026-01-01T00:00:00+00:00",
        "base": "random",
        "parameters": 1,
        "licence": "none",
        "weights": "int8",
        "precision": "f32",
        "contract": contract.to_json(),
    }
    (folder / "metrics.json").write_text("{}", encoding="utf-8")
    classifier = Classifier.load(seal(folder, manifest))
    write_selftest(folder / FILE, classifier, [article(1), article(2)])
    return seal(folder, manifest)


@pytest.fixture(scope="session")
def checkpoint(modernbert: Path, tmp_path_factory: pytest.TempPathFactory, taxonomy: Taxonomy) -> Checkpoint:
    return make_checkpoint(modernbert, tmp_path_factory.mktemp("checkpoint") / "small", taxonomy)


@pytest.fixture(scope="session")
def classifier(checkpoint: Checkpoint) -> Classifier:
    return Classifier.load(checkpoint)


@pytest.fixture(scope="session")
def shared() -> Path:
    """Material beside the project for measuring on real articles; absent for users."""
    folder = Path(__file__).parents[2] / "shared"
    if not (folder / "articles").is_dir():
        pytest.skip("no real articles beside the project")
    return folder


assert SPECIAL[0] == "[PAD]"  # the batches pad with id 0
