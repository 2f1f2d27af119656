# SPDX-License-Identifier: Apache-2.0
"""Arrays in .npy files: what numpy writes is read, what is written numpy reads."""

import os
import resource
import subprocess
from pathlib import Path

import numpy as np
import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
TYPES = "float32 float16 int8 uint8 int16 uint16 int32 uint32 int64 float64 bool".split()


@pytest.fixture(scope="session")
def npy_copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program that reads and writes one file, with sanitizers."""
    path = tmp_path_factory.mktemp("npy") / "npy_copy"
    subprocess.run(
        ["cc", "-std=c11", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
        + [f"-I{ROOT / 'src'}", HERE / "npy_copy.c", ROOT / "src/cli/npy.c", "-o", path],
        check=True,
    )
    return path


def copy(npy_copy: Path, source: Path, to: Path) -> subprocess.CompletedProcess[str]:
    """Runs the program."""
    return subprocess.run([npy_copy, source, to], capture_output=True, text=True)


def file_of(header: bytes, data: bytes = b"", version: int = 1, says: int | None = None) -> bytes:
    """A file with any header; `says` is the length it claims."""
    length = len(header) if says is None else says
    start = b"\x93NUMPY" + bytes([version, 0]) + length.to_bytes(2 * version, "little")
    return start + header + data


def header_of(descr: str = "'<f4'", order: str = "False", shape: str = "(2,)") -> bytes:
    """A header as numpy writes it, without padding."""
    return f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}\n".encode()


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("shape", [(), (1,), (7,), (3, 0), (2, 3, 5), (1, 2, 1, 3, 1, 2, 1)])
def test_round_trip(npy_copy: Path, tmp_path: Path, dtype: str, shape: tuple[int, ...]) -> None:
    """The copy is, byte for byte, the file that numpy wrote."""
    random = np.random.default_rng(len(shape))
    array = random.integers(0, 2 if dtype == "bool" else 100, shape).astype(dtype)
    np.save(tmp_path / "in.npy", array)
    done = copy(npy_copy, tmp_path / "in.npy", tmp_path / "out.npy")
    assert (done.returncode, done.stdout) == (0, f"{dtype} {len(shape)} {array.nbytes}\n")
    back = np.load(tmp_path / "out.npy")
    assert back.dtype == array.dtype and back.shape == array.shape
    np.testing.assert_array_equal(back, array)
    written = (tmp_path / "out.npy").read_bytes()
    assert (len(written) - array.nbytes) % 64 == 0


@pytest.mark.parametrize(
    "content",
    [
        file_of(header_of(), bytes(8), version=2),
        file_of(b"{'shape': (2,), 'fortran_order': False, 'descr': '<f4'}", bytes(8)),
        file_of(b'{"descr":"<f4","fortran_order":False,"shape":(2,)}      \n', bytes(8)),
        file_of(header_of(shape="( 1 , 2 )"), bytes(8)),
        file_of(header_of(descr="'<i1'", shape="(8,)"), bytes(8)),
    ],
)
def test_other_spellings(npy_copy: Path, tmp_path: Path, content: bytes) -> None:
    """Headers of other writers than numpy of today."""
    (tmp_path / "in.npy").write_bytes(content)
    done = copy(npy_copy, tmp_path / "in.npy", tmp_path / "out.npy")
    assert done.returncode == 0, done.stdout


MISFIT = "the shape does not agree with the {} bytes of data in the file"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not a .npy file; save with numpy.save()"),
        (b"\x93NUMPY\x01\x00\x00", "not a .npy file; save with numpy.save()"),
        (b"PK\x03\x04" + bytes(60), "not a .npy file; save with numpy.save()"),
        (b"\x93NUMPY\x03\x00" + bytes(80), "version 3 of the .npy format is not supported"),
        (b"\x93NUMPY\x02\x00" + bytes(3), "version 2 of the .npy format is not supported"),
        (file_of(header_of(), says=9999), "broken header: it says to be 9999 bytes long"),
        (
            file_of(header_of(), version=2, says=2**32 - 1),
            "broken header: it says to be 4294967295 bytes long",
        ),
        (file_of(b"", version=1), "broken header: no dictionary"),
        (file_of(b"{"), "broken header: no key"),
        (file_of(b"{'descr'"), "broken header: no key"),
        (file_of(b"{'descr': '<f4"), "records are not supported; save one array of numbers"),
        (file_of(b"{'descr': '<f4'"), "broken header: no comma"),
        (file_of(b"{" + b"'" * 70), "broken header: no key"),
        (file_of(b"{'" + b"k" * 70 + b"': 1}"), "broken header: no key"),
        (file_of(b"{'descr': '<f4', 'descr': '<f4'}"), "broken header: unexpected key descr"),
        (file_of(b"{'more': 1}"), "broken header: unexpected key more"),
        (
            file_of(b"{'descr': '<f4', 'shape': (2,)}"),
            "broken header: descr, fortran_order or shape is missing",
        ),
        (file_of(header_of() + b"x", bytes(8)), "broken header: text behind the dictionary"),
        (
            file_of(header_of(descr="[('a', '<f4')]"), bytes(8)),
            "records are not supported; save one array of numbers",
        ),
        (
            file_of(header_of(descr="'>f4'"), bytes(8)),
            "the numbers are big-endian (>f4); save x.astype(x.dtype.newbyteorder('<'))",
        ),
        (file_of(header_of(descr="'<c8'"), bytes(16)), "type <c8 is not supported"),
        (file_of(header_of(descr="''"), bytes(16)), "type  is not supported"),
        (
            file_of(header_of(order="True"), bytes(8)),
            "the array is in Fortran order; save numpy.ascontiguousarray(x)",
        ),
        (file_of(header_of(order="None"), bytes(8)), "broken header: bad fortran_order"),
        (file_of(header_of(shape="2"), bytes(8)), "broken header: no shape"),
        (file_of(header_of(shape="(-2,)"), bytes(8)), "broken header: bad shape"),
        (file_of(header_of(shape="(2 3)"), bytes(8)), "broken header: bad shape"),
        (file_of(header_of(shape="(1," * 9 + ")"), bytes(8)), "broken header: bad shape"),
        (
            file_of(header_of(shape="(1,1,1,1,1,1,1,1,2)"), bytes(8)),
            "more than 8 dimensions",
        ),
        (file_of(header_of(shape=f"({2**63},)"), bytes(8)), "broken header: bad shape"),
        (file_of(header_of(shape=f"({2**63 - 1},)"), bytes(8)), MISFIT.format(8)),
        (file_of(header_of(shape=f"({2**32}, {2**32})"), bytes(8)), MISFIT.format(8)),
        (file_of(header_of(shape=f"({2**62 + 1}, 4)"), bytes(16)), MISFIT.format(16)),
        (file_of(header_of(), bytes(7)), MISFIT.format(7)),
        (file_of(header_of(), bytes(9)), MISFIT.format(9)),
        (file_of(header_of(shape="(0,)"), bytes(4)), MISFIT.format(4)),
    ],
)
def test_refused(npy_copy: Path, tmp_path: Path, content: bytes, message: str) -> None:
    """Broken and unsuitable files are refused with the reason, and nothing is written."""
    source = tmp_path / "in.npy"
    source.write_bytes(content)
    done = copy(npy_copy, source, tmp_path / "out.npy")
    assert (done.returncode, done.stdout) == (1, f"{source}: {message}\n")
    assert not (tmp_path / "out.npy").exists()


def test_every_cut_and_every_flip_of_a_file(npy_copy: Path, tmp_path: Path) -> None:
    """No cut file is taken; no changed byte of the header makes the reader fail otherwise."""
    np.save(tmp_path / "whole.npy", np.arange(6, dtype=np.int16).reshape(2, 3))
    whole = (tmp_path / "whole.npy").read_bytes()
    source, to = tmp_path / "in.npy", tmp_path / "out.npy"
    for n in list(range(0, 80, 3)) + list(range(118, len(whole))):
        source.write_bytes(whole[:n])
        assert copy(npy_copy, source, to).returncode == 1
    for at in range(75):
        source.write_bytes(whole[:at] + bytes([whole[at] ^ (1 << at % 8)]) + whole[at + 1 :])
        assert copy(npy_copy, source, to).returncode in (0, 1)


def test_missing_file(npy_copy: Path, tmp_path: Path) -> None:
    """The system's reason is given."""
    source = tmp_path / "none.npy"
    done = copy(npy_copy, source, tmp_path / "out.npy")
    assert (done.returncode, done.stdout) == (1, f"{source}: No such file or directory\n")


def test_failed_write_keeps_the_old_file(npy_copy: Path, tmp_path: Path) -> None:
    """Where the disk is full (here: a limit), the file stays as it was and no other appears."""
    np.save(tmp_path / "in.npy", np.zeros(5000, np.float32))
    out = tmp_path / "out" / "out.npy"
    out.parent.mkdir()
    out.write_bytes(b"as it was")

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    done = subprocess.run(
        ["sh", "-c", 'trap "" XFSZ; exec "$@"', "sh", npy_copy, tmp_path / "in.npy", out],
        capture_output=True,
        text=True,
        preexec_fn=limit,
    )
    assert done.returncode == 1
    assert done.stdout.endswith(f"{out}: File too large\n")
    assert out.read_bytes() == b"as it was"
    assert list(out.parent.iterdir()) == [out]


def test_devices_and_permissions(npy_copy: Path, tmp_path: Path) -> None:
    """A device is written to, not replaced; a new file has the usual permissions."""
    np.save(tmp_path / "in.npy", np.zeros(3, np.int8))
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    reader = subprocess.Popen(["cat", fifo], stdout=subprocess.PIPE)
    assert copy(npy_copy, tmp_path / "in.npy", fifo).returncode == 0
    assert reader.communicate()[0] == (tmp_path / "in.npy").read_bytes()
    assert fifo.is_fifo()
    mask = os.umask(0o027)
    try:
        assert copy(npy_copy, tmp_path / "in.npy", tmp_path / "out.npy").returncode == 0
    finally:
        os.umask(mask)
    assert (tmp_path / "out.npy").stat().st_mode & 0o777 == 0o640
