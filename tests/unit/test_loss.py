import numpy as np
import pytest
import torch
from tokenizers import Tokenizer

from data.article import Label
from data.taxonomy import Taxonomy
from models.checkpoint import Checkpoint
from models.classifier import Answer, Classifier
from models.encoding import Encoder
from models.network import LabelAttention, load_network
from tests.conftest import article, labelled
from train.batches import UNKNOWN, Example, collate, make_example
from train.config import read_config
from train.loss import evidence_loss, multitask_loss

CONFIG = read_config().loss


@pytest.fixture(scope="module")
def network(checkpoint: Checkpoint) -> LabelAttention:
    return load_network(checkpoint.folder, topics=3, stances=3)


@pytest.fixture(scope="module")
def encoder(checkpoint: Checkpoint) -> Encoder:
    return Encoder(Tokenizer.from_file(str(checkpoint.folder / "tokenizer.json")), checkpoint.contract)


def examples(encoder: Encoder, taxonomy: Taxonomy, *sentences: int) -> list[Example]:
    made = [make_example(labelled(i, taxonomy, sentences=n), encoder, taxonomy) for i, n in enumerate(sentences)]
    return [example for example in made if example is not None]


def forward(network: LabelAttention, batch: dict[str, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    heads = network(batch["input_ids"], batch["attention_mask"])
    logits, attention = network.pool(heads, batch["counted"], batch["owner"], len(batch["relevance"]))
    return logits, attention, batch["owner"][:, None].expand_as(batch["counted"])[batch["counted"]]


def test_training_pools_as_serving_does(
    network: LabelAttention, encoder: Encoder, taxonomy: Taxonomy, classifier: Classifier
) -> None:
    batch = collate(examples(encoder, taxonomy, 40, 3, 11))
    assert len(batch["input_ids"]) > 3
    logits, attention, owner = forward(network, batch)
    answers = classifier.classify([labelled(i, taxonomy, sentences=n).article for i, n in enumerate((40, 3, 11))])
    for a, answer in enumerate(answers):
        assert isinstance(answer, Answer)
        np.testing.assert_allclose(logits[a, :, 0].detach().numpy(), answer.pooled.relevance, atol=1e-4)
        np.testing.assert_allclose(logits[a, :, 1:].detach().numpy(), answer.pooled.stance, atol=1e-4)
        assert float(attention.detach()[owner == a].sum(dim=0).min()) == pytest.approx(1.0, abs=1e-5)


def test_labels_become_arrays(encoder: Encoder, taxonomy: Taxonomy) -> None:
    item = labelled(0, taxonomy)
    labels = dict(item.labels)
    del labels["diplomacy"]
    labels["arms_embargo"] = Label(True, None, None)
    example = make_example(type(item)(item.article, labels), encoder, taxonomy)
    assert example is not None
    assert example.relevance.tolist() == [1, UNKNOWN, 1]
    assert example.stance.tolist() == [0, UNKNOWN, UNKNOWN]
    first = example.encoded.sentence_of == 1  # the headline is sentence 0
    assert example.marked[:, 0].tolist() == first.tolist()
    assert not example.marked[:, 1:].any()
    assert example.body.tolist() == (example.encoded.sentence_of > 0).tolist()


def test_what_nobody_annotated_moves_nothing(network: LabelAttention, encoder: Encoder, taxonomy: Taxonomy) -> None:
    batch = collate(examples(encoder, taxonomy, 4, 5, 6, 3))
    batch["relevance"][:, 1] = UNKNOWN
    batch["stance"][:, 1] = UNKNOWN
    batch["marked"][:, 1] = False
    network.zero_grad()
    logits, attention, owner = forward(network, batch)
    multitask_loss(logits, attention, batch, owner, CONFIG).backward()
    gradient = network.heads.weight.grad
    assert gradient is not None
    by_topic = gradient.view(3, 5, -1).abs().sum(dim=(1, 2))
    assert float(by_topic[1]) == 0.0
    assert float(by_topic[0]) > 0.0
    assert float(by_topic[2]) > 0.0


def test_stance_is_learnt_only_where_relevant(network: LabelAttention, encoder: Encoder, taxonomy: Taxonomy) -> None:
    batch = collate(examples(encoder, taxonomy, 4, 5))
    batch["stance"][:] = UNKNOWN
    network.zero_grad()
    logits, attention, owner = forward(network, batch)
    multitask_loss(logits, attention, batch, owner, CONFIG).backward()
    gradient = network.heads.weight.grad
    assert gradient is not None
    assert float(gradient.view(3, 5, -1)[:, 2:].abs().sum()) == 0.0


def test_evidence_loss_by_hand() -> None:
    attention = torch.tensor([[0.1], [0.1], [0.2], [0.6], [0.5], [0.5]])
    marked = torch.tensor([[False], [False], [True], [False], [False], [False]])
    batch = {
        "marked": marked,
        "body": torch.tensor([True, True, True, False, True, True]),
        "sentence": torch.tensor([1, 1, 2, 0, 3, 4]),
    }
    owner = torch.tensor([0, 0, 0, 0, 1, 1])
    # article 0: half of the text's 0.4 lies on the marked sentence; article 1 has no marks
    assert float(evidence_loss(attention, batch, owner, 2)) == pytest.approx(np.log(2), abs=1e-4)
    assert float(evidence_loss(attention, batch | {"marked": marked & False}, owner, 2)) == 0.0
    # both sentences marked, each with half: nothing is missing; uneven parts are
    both = batch | {"marked": torch.tensor([[True], [True], [True], [False], [False], [False]])}
    assert float(evidence_loss(attention, both, owner, 2)) == pytest.approx(0.0, abs=1e-4)
    uneven = torch.tensor([[0.05], [0.05], [0.3], [0.6], [0.5], [0.5]])
    wanted = -0.5 * np.log(0.25) - 0.5 * np.log(0.75) - np.log(2)
    assert float(evidence_loss(uneven, both, owner, 2)) == pytest.approx(wanted, abs=1e-4)


def test_an_article_without_text_is_left_out(encoder: Encoder, taxonomy: Taxonomy) -> None:
    item = labelled(0, taxonomy)
    empty = type(item)(type(item.article)("e", "عنوان", " "), item.labels)
    assert make_example(empty, encoder, taxonomy) is None


def test_padding_rows_changes_no_logit(network: LabelAttention, encoder: Encoder, taxonomy: Taxonomy) -> None:
    alone = forward(network, collate(examples(encoder, taxonomy, 3)))[0]
    beside = forward(network, collate(examples(encoder, taxonomy, 3, 40)))[0]
    torch.testing.assert_close(alone[0], beside[0], atol=1e-4, rtol=0)


def test_articles_differ() -> None:
    assert article(1).text != article(2).text
