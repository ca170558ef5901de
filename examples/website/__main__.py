"""The program: a replica of the controller, of which one works at a time.

    python -m website --namespace shop --lease website-system/website-controller

It needs watchkit[metrics]. Run it from the directory above, or install it like any package. It
talks to the cluster of $KUBECONFIG, or to the one that it is a pod of, and logs JSON. Told to end
(SIGTERM), it lets what is at work end, for `--grace` seconds at most, and hands the lease over.
"""

import argparse
import logging
import signal

import anyio
import structlog

from watchkit import ClientConfig, LeadershipLost, connect
from watchkit.controllers import Controller, HealthServer, LeaderElector
from watchkit.metrics import Metrics

from .assembly import assembled
from .resources import CONTROLLER

log = structlog.get_logger("website")


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Serve what Websites ask for.")
    parser.add_argument("--namespace", metavar="NAME", help="look at one only")
    parser.add_argument("--workers", type=int, default=4, metavar="N")
    parser.add_argument("--lease", default=f"website-system/{CONTROLLER}", metavar="NAMESPACE/NAME")
    parser.add_argument("--identity", metavar="NAME", help="of this replica; made up if not given")
    for name, seconds in (("lease-duration", 15), ("renew-deadline", 10), ("retry-period", 2)):
        parser.add_argument(f"--{name}", type=float, default=seconds, metavar="SECONDS")
    parser.add_argument("--grace", type=float, default=20.0, metavar="SECONDS", help="at the end")
    parser.add_argument(
        "--listen",
        default="127.0.0.1:8080",
        metavar="HOST:PORT",
        help="for /healthz, /readyz and /metrics; in a pod, where others ask: 0.0.0.0:8080",
    )
    parser.add_argument("--log-level", default="info", choices=["debug", "info", "warning"])
    return parser.parse_args()


async def lead(elector: LeaderElector, controller: Controller) -> None:
    """Work whenever the lease is ours; another replica works when it is not."""
    while True:
        try:
            await elector.run(controller.run)
        except LeadershipLost:
            continue  # said in the log: stand for it again


async def run(given: argparse.Namespace) -> None:
    """Work until told to end."""
    lease_namespace, lease = given.lease.split("/")
    host, port = given.listen.rsplit(":", 1)
    metrics = Metrics()
    async with (
        HealthServer(host, int(port), metrics=metrics) as health,
        connect(ClientConfig(user_agent=CONTROLLER)) as api,
        assembled(
            api, namespace=given.namespace, workers=given.workers, grace=given.grace
        ) as parts,
        anyio.create_task_group() as tasks,
    ):
        elector = LeaderElector(
            api,
            lease,
            namespace=lease_namespace,
            identity=given.identity,
            lease_duration=given.lease_duration,
            renew_deadline=given.renew_deadline,
            retry_period=given.retry_period,
        )
        for part in (parts.websites, parts.deployments, parts.services, parts.controller):
            health.add(part)
            metrics.register(part)
        health.add(elector)
        log.info("website.serving", port=health.port)
        tasks.start_soon(lead, elector, parts.controller)
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            async for _ in signals:
                tasks.cancel_scope.cancel()


def main() -> None:
    """Read the command line, configure the log, and run."""
    given = arguments()
    level = getattr(logging, given.log_level.upper())
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.dict_tracebacks,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
    )
    anyio.run(run, given)


if __name__ == "__main__":
    main()
