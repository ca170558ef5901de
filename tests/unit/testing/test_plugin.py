"""The pytest plugin: its fixtures, as a user's tests see them, and the example that is shown."""

import re
import tomllib
from importlib.metadata import distributions
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]
pytestmark = pytest.mark.timeout(600)  # each starts a process or two

ROOT = Path(__file__).parents[3]
INSTALLED = any(  # as pytest looks for it: in every distribution, of one name or not
    (each.group, each.name) == ("pytest11", "watchkit")
    for distribution in distributions()
    for each in distribution.entry_points
)
PLUGIN = () if INSTALLED else ("-p", "_watchkit_pytestplugin")


def run(pytester: pytest.Pytester, code: str, *options: str) -> pytest.RunResult:
    """Run tests in a process of their own, with the plugin."""
    pytester.makepyfile(code)
    return pytester.runpytest_subprocess(*PLUGIN, "-p", "no:cacheprovider", *options)


def test_the_plugin_is_declared() -> None:
    """The entry point `watchkit` names a module that the wheel holds."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

    module = project["project"]["entry-points"]["pytest11"]["watchkit"]
    included = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert f"{module}.py" in included.values()


def test_the_example_of_the_documents_passes(pytester: pytest.Pytester) -> None:
    """What docs/testing.md shows first is a test that passes as it stands."""
    text = (ROOT / "docs" / "testing.md").read_text(encoding="utf-8")
    (example, *_rest) = re.findall(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)

    run(pytester, example).assert_outcomes(passed=1)


def test_a_test_without_fixtures_imports_nothing(pytester: pytest.Pytester) -> None:
    """Whoever has watchkit installed pays nothing for a plugin that is not used."""
    code = """
        import sys

        def test_nothing():
            assert not {"watchkit", "kubernetes_asyncio", "aiohttp"} & set(sys.modules)
    """

    run(pytester, code).assert_outcomes(passed=1)


def test_virtual_time_and_a_client(pytester: pytest.Pytester) -> None:
    """A day takes no time; the client is the cluster's; each test begins at zero."""
    code = """
        import anyio
        import pytest
        from kubernetes_asyncio.client import CoreV1Api
        from watchkit.testing import virtual_backend

        POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "shop"}}

        @pytest.mark.anyio
        @pytest.mark.parametrize("again", [1, 2])
        async def test_a_day(fake_cluster, fake_api, virtual_clock, again):
            assert virtual_clock() < 1
            await anyio.sleep(86400)
            assert virtual_clock() > 86399
            fake_cluster.create(POD)
            pods = await CoreV1Api(fake_api).list_namespaced_pod("shop")
            assert [each.metadata.name for each in pods.items] == ["p"]

        @pytest.mark.anyio
        @pytest.mark.parametrize("anyio_backend", [virtual_backend("trio")])
        async def test_a_backend_of_ones_own(virtual_clock):
            await anyio.sleep(86400)
            assert virtual_clock() >= 86400
    """

    run(pytester, code).assert_outcomes(passed=3)


def test_virtual_time_over_fixtures_of_a_module(pytester: pytest.Pytester) -> None:
    """An async fixture of the module runs on the virtual loop too, which goes on from its time."""
    code = """
        import anyio
        import pytest

        pytestmark = pytest.mark.anyio

        @pytest.fixture(scope="module")
        def anyio_backend():
            return "asyncio"

        @pytest.fixture(scope="module")
        async def shared(anyio_backend):
            await anyio.sleep(0)
            yield 5

        @pytest.mark.parametrize("again", [1, 2])
        async def test_a_day(shared, virtual_clock, again):
            began = virtual_clock()
            await anyio.sleep(86400)
            assert (shared, virtual_clock() - began) == (5, 86400)
    """

    run(pytester, code).assert_outcomes(passed=2)


def test_a_loop_that_is_kept_in_real_time_is_no_virtual_one(pytester: pytest.Pytester) -> None:
    """A fixture that another test began in real time: an error at once, not a day of waiting."""
    code = """
        import anyio
        import pytest

        pytestmark = pytest.mark.anyio

        @pytest.fixture(scope="session")
        def anyio_backend():
            return "asyncio"

        @pytest.fixture(scope="session", autouse=True)
        async def shared(anyio_backend):
            yield 5

        async def test_first(shared):
            assert shared == 5

        async def test_then(shared, virtual_clock):
            await anyio.sleep(86400)
    """

    outcome = run(pytester, code)

    outcome.assert_outcomes(passed=1, errors=1)
    outcome.stdout.fnmatch_lines(["*keeps a loop, for which virtual_clock is late*"])


def test_a_server_in_real_time(pytester: pytest.Pytester) -> None:
    """Over HTTP; not in virtual time; on trio it is skipped."""
    code = """
        import aiohttp
        import pytest

        pytestmark = pytest.mark.anyio

        async def test_it_answers(fake_api_server):
            async with aiohttp.ClientSession() as session:
                async with session.get(fake_api_server.url + "/readyz") as answer:
                    assert await answer.text() == "ok"

        async def test_it_has_sockets(fake_api_server, virtual_clock):
            pass
    """

    outcome = run(pytester, code)

    outcome.assert_outcomes(passed=1, skipped=1, errors=1)
    outcome.stdout.fnmatch_lines(["*has sockets, for which virtual_clock does not wait*"])


def test_fixtures_are_listed(pytester: pytest.Pytester) -> None:
    """`pytest --fixtures` says what each is for."""
    outcome = run(pytester, "", "--fixtures")

    for fixture in ("fake_cluster", "fake_api", "fake_api_server", "virtual_clock"):
        outcome.stdout.fnmatch_lines([f"{fixture} -- *"])
