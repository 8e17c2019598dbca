from pathlib import Path

import pytest

from data.errors import ConfigError
from train.config import BASE, read_config


def test_the_defaults_read_and_write_back(tmp_path: Path) -> None:
    config = read_config()
    path = tmp_path / "resolved.toml"
    path.write_text(config.to_toml(), encoding="utf-8")
    assert read_config(path) == config


def test_layers_override_key_by_key(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text("seed = 5\n[optimizer]\nepochs = 2\n", encoding="utf-8")
    config = read_config(path, encoder={"base": "elsewhere"})
    assert (config.seed, config.optimizer.epochs, config.encoder.base) == (5, 2.0, "elsewhere")
    assert config.optimizer.batch == read_config().optimizer.batch


def test_the_rate_is_the_encoders_where_none_is_given(tmp_path: Path) -> None:
    other = read_config(None, encoder={"base": "aubmindlab/bert-base-arabertv02"})
    assert (read_config().optimizer.rate, other.optimizer.rate) == (1e-3, 5e-5)
    assert read_config(None, encoder={"base": str(BASE.parents[2] / "models/base")}).optimizer.rate == 1e-3
    path = tmp_path / "resolved.toml"
    path.write_text(other.to_toml(), encoding="utf-8")
    assert read_config(path) == other
    assert read_config(None, optimizer={"rate": 2e-4}).optimizer.rate == 2e-4


@pytest.mark.parametrize(
    ("content", "code", "where"),
    [
        ("colour = 1", "unknown_key", "colour"),
        ("[optimizer]\nspeed = 1", "unknown_key", "optimizer.speed"),
        ('[optimizer]\nbatch = "many"', "bad_value", "optimizer.batch"),
        ("[optimizer]\nbatch = true", "bad_value", "optimizer.batch"),
        ("optimizer = 1", "bad_value", "optimizer"),
        ("[", "bad_config", "c.toml"),
        ('name = ""', "bad_value", "name"),
        ('name = "../default"', "bad_value", "name"),
        ("seed = -1", "bad_value", "seed"),
        ('[data]\nextra = "mine.jsonl"', "bad_value", "data.extra"),
        ("[data]\nheld_out = [1]", "bad_value", "data.held_out"),
        ("[data]\nrepeats = 0", "bad_value", "data.repeats"),
        ("[data]\nshares = 3", "bad_value", "data.shares"),
        ("[data]\nshares = { train = 0.8, validation = 0.2 }", "bad_value", "data.shares"),
        ("[data]\nshares = { train = 0.8, dev = 0.3 }", "bad_value", "data.shares"),
        ("[data]\nshares = { test = 1 }", "bad_value", "data.shares"),
        ('[data]\nshares = { train = "all" }', "bad_value", "data.shares"),
        ("[encoder]\nwindow = 1", "bad_value", "encoder.window"),
        ("[encoder]\noverlap = 600", "bad_value", "encoder.overlap"),
        ("[encoder]\noverlap = -1", "bad_value", "encoder.overlap"),
        ("[loss]\nstance = nan", "bad_value", "loss.stance"),
        ("[optimizer]\nbatch = 0", "bad_value", "optimizer.batch"),
        ("[optimizer]\ntrainings = 0", "bad_value", "optimizer.trainings"),
        ("[optimizer]\nepochs = -1", "bad_value", "optimizer.epochs"),
        ("[optimizer]\nepochs = inf", "bad_value", "optimizer.epochs"),
        ('[run]\nattention = "flash"', "bad_value", "run.attention"),
        ("[optimizer]\ndropout = 1", "bad_value", "optimizer.dropout"),
        ("[optimizer]\nmasked = -0.1", "bad_value", "optimizer.masked"),
        ("[optimizer]\nencoder_dropout = 1.0", "bad_value", "optimizer.encoder_dropout"),
        ('[run]\nprecision = "fp16"', "bad_value", "run.precision"),
    ],
)
def test_mistakes_name_their_key(tmp_path: Path, content: str, code: str, where: str) -> None:
    path = tmp_path / "c.toml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        read_config(path)
    assert caught.value.code == code
    assert caught.value.where.endswith(where)


def test_what_makes_sense_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text("[data]\nshares = { train = 1 }\n[encoder]\noverlap = 0\n[loss]\nevidence = 0\n", encoding="utf-8")
    config = read_config(path, data={"extra": ["a", "b"]})
    assert (config.data.shares, config.encoder.overlap, config.loss.evidence) == ({"train": 1.0}, 0, 0.0)
    assert config.data.extra == ("a", "b")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no_config"):
        read_config(tmp_path / "no.toml")


def test_every_key_is_explained() -> None:
    lines = [line for line in BASE.read_text(encoding="utf-8").splitlines() if "=" in line and not line.startswith("#")]
    assert len(lines) > 20
    assert [line for line in lines if "#" not in line] == []
