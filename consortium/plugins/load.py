"""Loading plug-ins: each file of the folders becomes a module of the package `consortium_plugins`, and is in use then.

A file is compiled from the very bytes whose digest is told, never from a cache beside it. Because the modules have a
package of their own, a plug-in called `random.py` shadows nothing; one imports another of them with
`from .other import NAME`.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module, invalidate_caches
from importlib.abc import InspectLoader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.metadata import EntryPoint, entry_points
from importlib.util import spec_from_loader
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from consortium.core.discovery import use
from consortium.plugins.source import PluginError, Source, read_sources

PACKAGE = "consortium_plugins"
GROUP = "consortium.plugins"  # of entry points: each names a module


class Loaded(NamedTuple):
    """What is in use. `sources`: the files of folders, scenarios among them. `installed`: modules of installed packages
    that name themselves under the entry-point group GROUP, each by `name` with the digest of its file."""

    sources: tuple[Source, ...] = ()
    installed: tuple[tuple[str, str], ...] = ()

    @property
    def plugins(self) -> tuple[Source, ...]:
        """The files that were run."""
        return tuple(source for source in self.sources if not source.is_scenario)

    @property
    def digests(self) -> dict[str, str]:
        """SHA-256 by name: `parking.py` of a folder, `some_package.parking` of an installed package."""
        return {**{source.path.name: source.digest for source in self.plugins}, **dict(self.installed)}


_current = Loaded()


def current() -> Loaded:
    """The plug-ins in use in this process."""
    return _current


def load_folders(folders: Sequence[Path]) -> Loaded:
    """Take the plug-ins of these folders, and of installed packages, into use in place of those before. Raises
    PluginError; nothing is in use then."""
    return load_sources(read_sources(folders))


def load_sources(sources: Sequence[Source]) -> Loaded:
    """The same from files that were read before, here or in another process. Raises PluginError."""
    global _current
    unload()
    _enter({source.name: source for source in sources})
    try:
        modules, installed = _installed()
        for source in sources:
            if not source.is_scenario:
                modules.append(_import(f"{PACKAGE}.{source.name}", [each.path for each in sources]))
        _check_names(modules)
    except BaseException:
        unload()
        raise
    use(modules)
    _current = Loaded(tuple(sources), tuple(installed))
    return _current


def run_scenario(path: Path) -> dict[str, Any] | None:
    """Run a scenario file that lies among the plug-ins in use and give its names, so that it can import them with
    `from .other import NAME`; None for any other file. Raises what the file raises."""
    wanted = path.resolve()
    for source in _current.sources:
        if source.is_scenario and source.path.resolve() == wanted:
            names: dict[str, Any] = {"__name__": f"{PACKAGE}.{source.name}", "__package__": PACKAGE}
            names["__file__"] = str(source.path)
            exec(compile(source.data, str(path), "exec", dont_inherit=True), names)
            return names
    return None


def unload() -> None:
    """No plug-in is in use any more."""
    global _current
    use(())
    _current = Loaded()
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, _Finder)]
    for name in [name for name in sys.modules if name == PACKAGE or name.startswith(f"{PACKAGE}.")]:
        del sys.modules[name]


def _enter(sources: Mapping[str, Source]) -> None:
    """From now on the package can be imported from."""
    package = ModuleType(PACKAGE, "The plug-ins in use.")
    package.__path__ = []
    sys.modules[PACKAGE] = package
    sys.meta_path.append(_Finder(sources))
    invalidate_caches()


class _Finder(MetaPathFinder):
    """Finds the modules of PACKAGE among these files."""

    def __init__(self, sources: Mapping[str, Source]) -> None:
        self._sources = sources

    def find_spec(self, fullname: str, path: Any, target: ModuleType | None = None) -> ModuleSpec | None:
        package, _, name = fullname.rpartition(".")
        source = self._sources.get(name) if package == PACKAGE else None
        if source is None:
            return None
        return spec_from_loader(fullname, _Loader(source), origin=str(source.path))


class _Loader(InspectLoader):
    """Runs one file out of its bytes."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def get_source(self, fullname: str) -> str:
        return self._source.data.decode("utf-8")

    def get_code(self, fullname: str) -> Any:
        return compile(self._source.data, str(self._source.path), "exec", dont_inherit=True)

    def exec_module(self, module: ModuleType) -> None:
        module.__file__ = str(self._source.path)
        super().exec_module(module)


def _import(name: str, paths: Sequence[Path]) -> ModuleType:
    """Raises PluginError for whatever the file does wrong, with its line."""
    try:
        return import_module(name)
    except (Exception, SystemExit) as error:
        raise PluginError(_explain(name, error, [str(path) for path in paths])) from None


def _explain(name: str, error: BaseException, paths: Sequence[str]) -> str:
    lines = [
        f"{frame.filename}:{frame.lineno}"
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename in paths
    ]
    own = next((path for path in paths if Path(path).stem == name.rpartition(".")[2]), name)
    words = f"{lines[-1] if lines else own}: {type(error).__name__}: {error}"
    if isinstance(error, ModuleNotFoundError) and error.name in {Path(path).stem for path in paths}:
        words += f"; a plug-in imports another of its folder with `from .{error.name} import …`"
    return words


def _check_names(modules: Sequence[ModuleType]) -> None:
    """Raises PluginError where two plug-ins offer values of one word and name; against those of the rooms each room
    says so itself."""
    found: dict[tuple[str, str], tuple[ModuleType, Any]] = {}
    for module in modules:
        for word, value in _offers(module):
            name = value.name
            first, known = found.setdefault((word, name), (module, value))
            if known is not value:
                raise PluginError(
                    f"{module.__file__}: its {word} is named {name!r}, and so is that of {first.__file__}; give one of "
                    "them another name"
                )


def _offers(module: ModuleType) -> Iterator[tuple[str, Any]]:
    """What the file holds under a word in capitals and has a name; of a tuple (`ACTS`), each of its values."""
    for word, value in vars(module).items():
        if word.isupper():
            several = value if type(value) is tuple else (value,)
            yield from ((word, each) for each in several if isinstance(getattr(each, "name", None), str))


def _installed() -> tuple[list[ModuleType], list[tuple[str, str]]]:
    """The modules of installed packages, in order of their entry points' names."""
    modules: list[ModuleType] = []
    digests: list[tuple[str, str]] = []
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.value):
        module = _load_entry(entry)
        modules.append(module)
        path = Path(module.__file__ or "")
        digests.append((module.__name__, Source(module.__name__, path, path.read_bytes(), False).digest))
    return modules, digests


def _load_entry(entry: EntryPoint) -> ModuleType:
    try:
        module = entry.load()
    except (Exception, SystemExit) as error:
        raise PluginError(f"the installed plug-in {entry.value}: {type(error).__name__}: {error}") from None
    if not isinstance(module, ModuleType) or module.__file__ is None:
        raise PluginError(f"the installed plug-in {entry.value} is no module: an entry point of {GROUP} names one")
    return module
