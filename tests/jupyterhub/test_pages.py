"""The hub's pages in Chromium: the login, JupyterLab in another cluster, and the message if no slot is free."""

from pathlib import Path

from tests.apiserver.operators import TASKS, until
from tests.jupyterhub.conftest import Lab
from tests.jupyterhub.test_jupyterhub import launch, opened, ready, slots_taken

from task_gateway.kube.kinds import EVENT
from task_gateway_lab.master.jupyterhub import page

PNG = b"\x89PNG"


def test_a_login_opens_jupyterlab(lab: Lab, tmp_path: Path) -> None:
    form, shown = tmp_path / "login.png", tmp_path / "lab.png"
    page.first_visit(lab.hub.url, "grace", lab.hub.password, form, shown)
    assert [file.read_bytes()[:4] for file in (form, shown)] == [PNG, PNG]


def test_a_terminal_and_a_cell_work_after_a_login(lab: Lab, tmp_path: Path) -> None:
    notebook, password = opened(lab, launch(lab)), lab.hub.password
    notebook.decline_news()
    typed, shown = "echo $((6 * 7)) shown", "42 shown"
    page.run_in_terminal(f"{notebook.url}lab", "ada", password, typed, shown, tmp_path / "terminal.png")
    page.run_cell(notebook.save("cell.ipynb", "6 * 7"), "ada", password, "42", tmp_path / "cell.png")


def test_the_page_of_a_spawn_shows_why_it_waits(lab: Lab, tmp_path: Path) -> None:
    def message() -> str:
        events = lab.site.kube.list(EVENT, TASKS)
        return next((str(each["message"]) for each in events if each["reason"] == "NoFreeSlot"), "")

    with slots_taken(lab) as gateway:
        url = f"{lab.hub.url}hub/spawn/ada/one"
        assert page.wait_for_message(url, "ada", lab.hub.password, message, tmp_path / "page.png") == message()
        gateway.release("filler-0")
        until(lambda: ready(lab) == {"one"}, lab.hub.log)
