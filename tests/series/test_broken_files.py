"""A corpus of broken files: each is refused in one sentence, with the file's name and a way out."""

from __future__ import annotations

import bz2
import gzip

import numpy as np
import pandas as pd
import pytest

from tsmaml.errors import ArtifactError, TsmamlError
from tsmaml.series import read_series

GOOD = pd.DataFrame(
    {
        "unique_id": np.repeat(["a", "b"], 200),
        "ds": np.tile(pd.date_range("2024-01-01", periods=200), 2),
        "y": np.arange(400.0),
    }
)


def parquet_of(frame: pd.DataFrame) -> bytes:
    return frame.to_parquet(index=False, compression="zstd")


def csv_of(frame: pd.DataFrame) -> bytes:
    return frame.to_csv(index=False).encode()


def damaged(content: bytes, begin: int, end: int) -> bytes:
    return content[:begin] + b"\xff" * (end - begin) + content[end:]


def excel_of_nothing() -> bytes:
    return b"PK\x03\x04" + bytes(100)


PARQUET, CSV = parquet_of(GOOD), csv_of(GOOD)
BROKEN: dict[str, bytes] = {
    "empty.parquet": b"",
    "empty.csv": b"",
    "empty.csv.gz": b"",
    "nothing.csv.gz": gzip.compress(b""),
    "magic only.parquet": b"PAR1",
    "magic twice.parquet": b"PAR1PAR1",
    "without end.parquet": PARQUET[:-1],
    "half.parquet": PARQUET[: len(PARQUET) // 2],
    "without begin.parquet": PARQUET[1:],
    "damaged pages.parquet": damaged(PARQUET, 20, 400),
    "damaged footer.parquet": damaged(PARQUET, len(PARQUET) - 200, len(PARQUET) - 100),
    "wrong footer length.parquet": PARQUET[:-8] + b"\xff\xff\xff\x7f" + b"PAR1",
    "csv.parquet": CSV,
    "text.parquet": b"hello",
    "excel.xlsx": excel_of_nothing(),
    "frame.json": GOOD.to_json(date_format="iso").encode(),
    "parquet.csv": PARQUET,
    "bytes.csv": bytes(range(256)),
    "zeros.csv": bytes(100),
    "utf-16.csv": CSV.decode().encode("utf-16"),
    "latin-1 header.csv": "unique_id,ds,y,größe\na,2024-01-01,1,2\n".encode("latin-1"),
    "latin-1 ids.csv": "unique_id,ds,y\nä,2024-01-01,1\nä,2024-01-02,1\n".encode("latin-1"),
    "semicolons.csv": CSV.replace(b",", b";"),
    "header only.csv": b"unique_id,ds,y\n",
    "header without line.csv": b"unique_id,ds,y",
    "no header.csv": b"".join(CSV.splitlines(keepends=True)[1:]),
    "short row.csv": CSV + b"c,2024-01-01\n",
    "long row.csv": CSV + b"c,2024-01-01,1,2\n",
    "open quote.csv": CSV + b'"c,2024-01-01,1\n',
    "plain.csv.gz": CSV,
    "half.csv.gz": gzip.compress(CSV)[:500],
    "damaged.csv.gz": damaged(gzip.compress(CSV), 100, 200),
    "half.csv.bz2": bz2.compress(CSV)[:300],
    "array.npy": b"\x93NUMPY\x01\x00" + bytes(50),
    "no rows.parquet": parquet_of(GOOD[:0]),
    "no columns.parquet": parquet_of(GOOD[[]]),
    "no target.parquet": parquet_of(GOOD[["unique_id", "ds"]]),
    "text target.parquet": parquet_of(GOOD.assign(y="x")),
    "text target.csv": csv_of(GOOD.assign(y="x")),
    "list target.parquet": parquet_of(GOOD.assign(y=[[1.0]] * 400)),
    "no times.parquet": parquet_of(GOOD.assign(ds="x")),
    "null times.parquet": parquet_of(GOOD.assign(ds=pd.NaT)),
    "null ids.parquet": parquet_of(GOOD.assign(unique_id=None)),
    "null values.parquet": parquet_of(GOOD.assign(y=np.nan)),
    "times of day.csv": csv_of(GOOD.assign(ds="13:00")),
    "twice.parquet": parquet_of(pd.concat([GOOD, GOOD])),
    "mistyped year.parquet": parquet_of(
        GOOD.assign(ds=GOOD["ds"].where(GOOD.index != 199, pd.Timestamp("2204-07-18")))
    ),
    "one time.parquet": parquet_of(GOOD.drop_duplicates("unique_id")),
    "wide.parquet": parquet_of(GOOD.pivot(index="ds", columns="unique_id", values="y")),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_refused_in_one_sentence(name, tmp_path):
    path = tmp_path / name
    path.write_bytes(BROKEN[name])
    with pytest.raises(TsmamlError) as caught:
        read_series(path)
    error = caught.value
    assert error.exit_code in (4, 5)
    assert not isinstance(error, ArtifactError)
    assert error.message.startswith(str(path))
    sentence = error.message.removeprefix(str(path))
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert ". " not in sentence
    assert error.hint


def test_the_corpus_is_broken_by_its_faults_only(tmp_path):
    for name, content in {
        "s.parquet": PARQUET,
        "s.csv": CSV,
        "s.csv.gz": gzip.compress(CSV),
    }.items():
        (tmp_path / name).write_bytes(content)
        assert len(read_series(tmp_path / name)) == 2


def test_ids_beyond_ascii_are_not_broken(tmp_path):
    (tmp_path / "s.csv").write_bytes("unique_id,ds,y\nä,2024-01-01,1\nä,2024-01-02,1\n".encode())
    assert read_series(tmp_path / "s.csv").ids.tolist() == ["ä"]
