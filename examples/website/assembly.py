"""What the controller is made of: three caches, a recorder of events, and what leads to what."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from kubernetes_asyncio.client import ApiClient

from watchkit import ListWatch, SharedInformer
from watchkit.controllers import Controller, EventRecorder, enqueue_owner

from .reconciler import Websites
from .resources import API_VERSION, CONTROLLER, KIND, MANAGED, PLURAL

OURS = {"label_selector": MANAGED}  # of all Deployments and Services, only ours are cached


@dataclass(frozen=True)
class Parts:
    """The parts, all but the controller at work already."""

    websites: SharedInformer
    deployments: SharedInformer
    services: SharedInformer
    controller: Controller


@asynccontextmanager
async def assembled(
    api: ApiClient, *, namespace: str | None = None, workers: int = 4, grace: float = 20.0
) -> AsyncGenerator[Parts]:
    """Put the parts together; the caches fill whether or not the controller is run."""

    def listed(api_version: str, plural: str) -> ListWatch:
        return ListWatch.for_resource(api, api_version, plural, namespace=namespace)

    async with (
        SharedInformer(listed(API_VERSION, PLURAL)) as websites,
        SharedInformer(listed("apps/v1", "deployments"), OURS) as deployments,
        SharedInformer(listed("v1", "services"), OURS) as services,
        EventRecorder(api, CONTROLLER) as recorder,
    ):
        reconciler = Websites(api, websites, deployments, services, recorder)
        controller = Controller(
            reconciler.reconcile, name=CONTROLLER, workers=workers, timeout=60, grace=grace
        )
        controller.watches(websites)
        controller.watches(deployments, enqueue_owner(API_VERSION, KIND))
        controller.watches(services, enqueue_owner(API_VERSION, KIND))
        yield Parts(websites, deployments, services, controller)
