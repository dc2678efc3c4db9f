"""Notebooks executed in a fresh kernel of this environment, and the blocks a report takes from them."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
from ipykernel.kernelspec import RESOURCES, get_kernel_dict
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from impact.errors import Fault, ReportError
from impact.records.atomic import write_atomically
from impact.report.exhibits import Block, read_output

PARAMETERS = "parameters"
LEFT_OUT = "remove-cell"
TIMEOUT = 600
KERNELSPEC = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

Notebook = Any


class _ThisPython(KernelSpecManager):
    """Kernels of the running Python, whatever kernels the reader has registered."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        return KernelSpec(resource_dir=RESOURCES, **get_kernel_dict())


def execute(
    path: Path,
    *,
    data_folder: Path | None = None,
    timeout: int = TIMEOUT,
    started: Callable[[Callable[[], None]], None] | None = None,
) -> Notebook:
    """Run a notebook in its own folder and return it with its outputs; the file is not touched.

    Parameters
    ----------
    path : Path
        The notebook.
    data_folder : Path or None
        What the cell tagged ``parameters`` is to set `data_folder` to; None runs the cell as it stands.
    timeout : int
        Seconds that one cell may take.
    started : callable or None
        Given, once the kernel runs, a function that ends it at once from any thread.

    Raises
    ------
    ReportError
        Where the notebook cannot be read, has not exactly one cell of parameters, or a cell fails: with the number of
        the cell, counted from 1 over all cells, and the error.
    """
    notebook = read(path)
    if data_folder is not None:
        _set_parameter(path, notebook, data_folder)
    manager = AsyncKernelManager(kernel_name=KERNELSPEC["name"], kernel_spec_manager=_ThisPython())
    place = {"cell": 0}

    def at_cell(cell: Notebook, cell_index: int) -> None:
        place["cell"] = cell_index + 1

    def running(notebook: Notebook) -> None:
        if started is not None:
            started(lambda: _end(manager))

    client = NotebookClient(
        notebook,
        km=manager,
        timeout=timeout,
        record_timing=False,
        coalesce_streams=True,
        resources={"metadata": {"path": str(path.resolve().parent)}},
        on_cell_execute=at_cell,
        on_notebook_start=running,
    )
    with tempfile.TemporaryDirectory() as profile:
        if sys.platform != "win32":
            manager.transport, manager.connection_file = "ipc", str(Path(profile, "kernel.json"))
        try:
            asyncio.run(client.async_execute(cleanup_kc=True, env=_environment(profile)))
        except CellExecutionError as error:
            raise _failure(path, place["cell"], f"{error.ename}: {error.evalue}") from None
        except CellTimeoutError:
            raise _failure(path, place["cell"], f"not finished after {timeout:,} seconds") from None
        except DeadKernelError:
            raise _failure(path, place["cell"], "the kernel died; it may have run out of memory") from None
    return notebook


def read(path: Path) -> Notebook:
    """A notebook file.

    Raises
    ------
    ReportError
        Where there is none or it is not a notebook.
    """
    try:
        return nbformat.read(path, as_version=4)
    except FileNotFoundError:
        raise ReportError(f"There is no notebook {path.name}.") from None
    except Exception as error:
        raise ReportError(f"{path.name} is not a notebook that can be read ({type(error).__name__}).") from None


def sources(path: Path) -> list[str]:
    """What a notebook would run and say: the kind, tags and source of each cell, without outputs."""
    return [f"{cell.cell_type} {sorted(_tags(cell))}\n{cell.source}" for cell in read(path).cells]


def blocks_of(notebook: Notebook) -> list[Block]:
    """What a report takes from an executed notebook: Markdown cells and exhibits, in their order; never code.

    A Markdown cell tagged ``remove-cell`` is for the notebook's reader only.
    """
    blocks: list[Block] = []
    for cell in notebook.cells:
        if LEFT_OUT in _tags(cell):
            continue
        if cell.cell_type == "markdown" and cell.source.strip():
            blocks.append({"kind": "text", "text": cell.source})
        elif cell.cell_type == "code":
            found = [read_output(output.data) for output in cell.outputs if "data" in output]
            blocks.extend(block for block in found if block is not None)
    return blocks


def normalise(notebook: Notebook) -> Notebook:
    """The notebook without anything that changes between runs or machines: the same bytes whenever it is written.

    Cell ids and execution counts are numbered from 1, metadata holds tags and the language only.
    """
    tidy = nbformat.v4.new_notebook(metadata={"kernelspec": KERNELSPEC, "language_info": {"name": "python"}})
    count = 0
    for number, cell in enumerate(notebook.cells, start=1):
        cell = nbformat.from_dict(cell)
        cell.id = f"cell-{number}"
        cell.metadata = {"tags": sorted(_tags(cell))} if _tags(cell) else {}
        if cell.cell_type == "code":
            ran = bool(cell.source.strip())
            count += ran
            cell.execution_count = count if ran else None
            for output in cell.outputs:
                output.pop("transient", None)
                if output.output_type == "execute_result":
                    output.execution_count = cell.execution_count
        tidy.cells.append(cell)
    return tidy


def refresh(path: Path, *, timeout: int = TIMEOUT) -> bool:
    """Run a notebook as it stands and write it back with its outputs, normalised; True where the file changed."""
    text = nbformat.writes(normalise(execute(path, timeout=timeout)), version=4) + "\n"
    if path.read_text(encoding="utf-8") == text:
        return False
    write_atomically(path, text.encode("utf-8"))
    return True


def _set_parameter(path: Path, notebook: Notebook, data_folder: Path) -> None:
    cells = [cell for cell in notebook.cells if cell.cell_type == "code" and PARAMETERS in _tags(cell)]
    if len(cells) != 1:
        remedy = f"tag the one cell that sets data_folder `{PARAMETERS}`."
        raise ReportError(
            f"{path.name} cannot be given its data folder:",
            [Fault(f"has {len(cells)} cells tagged `{PARAMETERS}`, not 1", table=path.name, remedy=remedy)],
        )
    cells[0].source = f"data_folder = {str(data_folder.resolve())!r}"


def _environment(profile: str) -> dict[str, str]:
    package = str(Path(__file__).resolve().parents[2])
    inherited = os.environ.get("PYTHONPATH")
    path = package if not inherited else os.pathsep.join([package, inherited])
    threads = {name: os.environ.get(name, "1") for name in ONE_THREAD}
    return {**os.environ, **threads, "PYTHONPATH": path, "IPYTHONDIR": profile}


def _end(manager: AsyncKernelManager) -> None:
    pid = getattr(manager.provisioner, "pid", None)
    if pid is not None and sys.platform != "win32":
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return


def _failure(path: Path, cell: int, problem: str) -> ReportError:
    return ReportError(f"The notebook {path.name} failed in cell {cell}: {problem}")


def _tags(cell: Notebook) -> list[str]:
    return list(cell.metadata.get("tags", []))
