"""The socket of a node, its address, and the secret in a file."""

import os
import socket
import stat
import threading
import time
from pathlib import Path

import pytest

from fastrtc import Cluster
from fastrtc.server.cluster.listening import (
    Folders,
    Listening,
    listen,
    read_secret,
    restore_secret,
)
from tests.support.ports import free_port

SECRET = "the secret of these tests"


def test_a_node_with_sqlite_listens_beside_the_file(tmp_path: Path):
    opened = listen(Cluster(f"sqlite://{tmp_path}/calls.db"), "0123456789abcdef")
    assert opened.address == f"unix:{tmp_path}/calls.db-0123456789ab.sock"
    path = opened.address.removeprefix("unix:")
    assert os.stat(path).st_mode & 0o777 == 0o600
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(path)
    opened.close()
    assert not os.path.exists(path)


def test_the_sockets_of_killed_processes_are_removed(tmp_path: Path):
    options = Cluster(f"sqlite://{tmp_path}/calls.db")
    killed = listen(options, "killed")
    killed.socket.close()
    lives = listen(options, "lives")
    third = listen(options, "third")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "calls.db-lives.sock",
        "calls.db-third.sock",
    ]
    lives.close()
    third.close()


def test_nodes_that_start_at_the_same_time_keep_their_sockets(tmp_path: Path):
    options = Cluster(f"sqlite://{tmp_path}/calls.db")
    opened: list[Listening] = []
    threads = [
        threading.Thread(target=lambda id=f"n{number}": opened.append(listen(options, id)))
        for number in range(50)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(opened) == len(list(tmp_path.iterdir())) == 50
    for one in opened:
        one.close()


def test_a_path_that_is_too_long_for_a_socket_becomes_a_port(tmp_path: Path):
    opened = listen(Cluster(f"sqlite://{tmp_path}/{'x' * 100}"), "n1")
    assert opened.address.startswith("http://127.0.0.1:")
    opened.close()


def test_with_redis_a_node_listens_on_its_address_towards_it():
    opened = listen(Cluster("redis://127.0.0.1:1/0", secret=SECRET), "n1")
    assert opened.address == f"http://127.0.0.1:{opened.socket.getsockname()[1]}"
    opened.close()


@pytest.mark.parametrize("address", ["127.0.0.1", "[::1]"])
def test_a_given_address_and_port_are_used(address: str):
    port = free_port()
    opened = listen(Cluster("sqlite:x", address=f"{address}:{port}"), "n1")
    assert opened.address == f"http://{address}:{port}"
    assert opened.socket.getsockname()[:2] == (address.strip("[]"), port)
    opened.close()


def test_the_port_of_a_nat_is_served_on_all_addresses():
    port = free_port()
    opened = listen(Cluster("sqlite:x", address=f"192.0.2.1:{port}"), "n1")
    assert opened.address == f"http://192.0.2.1:{port}"
    assert opened.socket.getsockname() == ("0.0.0.0", port)
    opened.close()


@pytest.mark.parametrize("address", ["192.0.2.1", "no.such.host.invalid", "unix:/no/such/place"])
def test_an_address_that_cannot_be_used_is_named(address: str):
    with pytest.raises(OSError, match=address.removeprefix("unix:")):
        listen(Cluster("sqlite:x", address=address), "n1")


def test_a_port_in_use_is_named():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=f"port {port}"):
            listen(Cluster("sqlite:x", address=f"127.0.0.1:{port}"), "n1")


def test_a_secret_is_created_once_for_all(tmp_path: Path):
    path = str(tmp_path / "secret")
    read: list[str] = []
    threads = [threading.Thread(target=lambda: read.append(read_secret(path))) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(read) == 20 and len(set(read)) == 1 and len(read[0]) == 64
    assert [file.name for file in tmp_path.iterdir()] == ["secret"]
    assert os.stat(path).st_mode & 0o777 == 0o600


def test_a_secret_that_others_may_read_is_refused(tmp_path: Path):
    path = tmp_path / "secret"
    path.write_text("x")
    path.chmod(0o644)
    with pytest.raises(OSError, match="mode 600"):
        read_secret(str(path))
    path.chmod(0o600)
    path.write_text("\n")
    with pytest.raises(OSError, match="is empty"):
        read_secret(str(path))
    with pytest.raises(OSError):
        read_secret(str(tmp_path / "no" / "secret"))


def test_a_socket_and_a_secret_that_were_removed_are_made_again(tmp_path: Path):
    options = Cluster(f"sqlite://{tmp_path}/calls.db")
    opened = listen(options, "n1")
    path = Path(opened.address.removeprefix("unix:"))
    assert opened.is_reachable
    path.unlink()
    assert not opened.is_reachable
    again = listen(options, "n1")
    assert again.address == opened.address and again.is_reachable
    opened.socket.close()
    again.close()

    secret = read_secret(f"{tmp_path}/secret")
    for _ in range(2):
        Path(tmp_path, "secret").unlink()
        restore_secret(f"{tmp_path}/secret", secret)
        restore_secret(f"{tmp_path}/secret", "another one")  # it is there
        assert read_secret(f"{tmp_path}/secret") == secret


def test_a_secret_in_use_does_not_get_old(tmp_path: Path):
    path = tmp_path / "secret"
    secret = read_secret(str(path))
    os.utime(path, (0, 0))
    restore_secret(str(path), secret)
    assert path.stat().st_mtime > time.time() - 3600


@pytest.mark.parametrize("of", ["sqlite", "unix"])
def test_the_folder_of_the_files_is_made_again(tmp_path: Path, of: str):
    folder = tmp_path / "run" / "voice"
    urls = {"sqlite": f"sqlite://{folder}/calls.db", "unix": "redis://127.0.0.1"}
    options = Cluster(urls[of], address=f"unix:{folder}" if of == "unix" else None)
    folders = Folders(options)
    for _ in range(2):  # also if it is there
        folders.restore()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    listen(options, "n1").close()
    Folders(Cluster("redis://127.0.0.1")).restore()


@pytest.mark.skipif(os.name != "posix", reason="files have no owners")
def test_a_folder_that_others_may_write_to_is_used_only_if_it_was_there_before(tmp_path: Path):
    folder = tmp_path / "run"
    options = Cluster(f"sqlite://{folder}/calls.db")
    folders = Folders(options)
    folder.mkdir()
    for mode in (0o770, 0o707):
        folder.chmod(mode)
        with pytest.raises(OSError, match=f"other users may write to {folder}"):
            folders.restore()
        Folders(options).restore()
    folder.chmod(0o755)
    folders.restore()


@pytest.mark.skipif(os.name != "posix" or os.getuid() != 0, reason="only root gives folders away")
def test_a_folder_of_another_user_is_not_used(tmp_path: Path):
    folder = tmp_path / "run"
    folder.mkdir(0o700)
    folders = Folders(Cluster(f"sqlite://{folder}/calls.db"))
    folder.rmdir()
    folder.mkdir(0o700)
    os.chown(folder, 65534, 65534)
    with pytest.raises(OSError, match="other users may write"):
        folders.restore()
    folder.rmdir()
    folders.restore()


@pytest.mark.skipif(os.name != "posix" or os.getuid() != 0, reason="only root gives links away")
def test_a_link_of_another_user_is_not_used(tmp_path: Path):
    folder, own = tmp_path / "run", tmp_path / "own"
    folder.mkdir(0o700)
    own.mkdir(0o700)
    folders = Folders(Cluster(f"sqlite://{folder}/calls.db"))
    folder.rmdir()
    folder.symlink_to(own)
    folders.restore()
    os.chown(folder, 65534, 65534, follow_symlinks=False)
    with pytest.raises(OSError, match="other users may write"):
        folders.restore()
    Folders(Cluster(f"sqlite://{folder}/calls.db")).restore()  # it was there before
