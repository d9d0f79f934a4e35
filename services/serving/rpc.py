"""The gRPC servicer: messages to handlers and back."""

import asyncio
import threading
from collections.abc import AsyncIterator

from google.protobuf import empty_pb2

from protos.serving.v1 import serving_pb2
from services.kernel.errors import NotFound
from services.kernel.grpc import server
from services.kernel.maintenance import DESCRIPTOR, MaintenanceRpc
from services.kernel.rights import require_may_give, require_owner, require_visible, visible_query
from services.kernel.storage.changes import ChangeFeed
from services.kernel.storage.documents import require_etag
from services.kernel.wire import apply_mask, from_message
from services.serving import bootstrap
from services.serving.adapters.recent import RecentServices
from services.serving.config import serving_settings
from services.serving.domain import Service
from services.serving.handlers import predict as prediction
from services.serving.handlers import services as commands
from services.serving.maintenance import HELD, PATIENCE
from services.serving.models import COLLECTION, snapshot

CHANGEABLE = {"name", "description", "visibility"}
WATCH_S = 15.0


class ServingRpc:
    """`ServingService` of the proto."""

    def __init__(self, app: bootstrap.App, feed: ChangeFeed) -> None:
        self._app = app
        self._services = app.services
        self._feed = feed
        self._recent = RecentServices(app.services, lambda: feed.generation)

    def CreateService(self, request: serving_pb2.CreateServiceRequest) -> serving_pb2.Service:
        command = from_message(request.service, commands.CreateService)
        return snapshot(commands.create_service(command, self._services, self._app.library))

    def GetService(self, request: serving_pb2.GetServiceRequest) -> serving_pb2.Service:
        return snapshot(self._visible(request.id))

    def ListServices(self, request: serving_pb2.ListServicesRequest) -> serving_pb2.ListServicesResponse:
        query = visible_query()
        if request.state:
            query["state"] = serving_pb2.Service.State.Name(request.state).removeprefix("STATE_").lower()
        page = self._services.page(query, page_size=request.page_size, page_token=request.page_token)
        return serving_pb2.ListServicesResponse(
            services=[snapshot(service) for service in page.items],
            next_page_token=page.next_page_token,
            total_size=page.total_size,
        )

    def UpdateService(self, request: serving_pb2.UpdateServiceRequest) -> serving_pb2.Service:
        service = self._owned(request.id)
        require_etag(service, request.service.etag)
        if apply_mask(service, request.service, request.update_mask, allowed=CHANGEABLE):
            require_may_give(service.visibility)
            service.happened("updated")
            self._services.save(service)
        return snapshot(service)

    def DeleteService(self, request: serving_pb2.DeleteServiceRequest) -> empty_pb2.Empty:
        service = self._owned(request.id)
        require_etag(service, request.etag)
        commands.delete_service(service, self._services)
        return empty_pb2.Empty()

    def StartService(self, request: serving_pb2.StartServiceRequest) -> serving_pb2.Service:
        return snapshot(commands.start_service(request.id, request.load, self._services))

    def StopService(self, request: serving_pb2.StopServiceRequest) -> serving_pb2.Service:
        return snapshot(commands.stop_service(request.id, self._services))

    def ScaleService(self, request: serving_pb2.ScaleServiceRequest) -> serving_pb2.Service:
        return snapshot(commands.scale_service(request.id, request.load, self._services))

    def Predict(self, request: serving_pb2.PredictRequest) -> serving_pb2.PredictResponse:
        instances = [dict(instance.inputs) for instance in request.instances]
        found = prediction.predict(request.id, instances, self._recent, self._app.attention, self._app.triton)
        return serving_pb2.PredictResponse(
            predictions=[
                serving_pb2.Prediction(
                    label=answer.label,
                    confidence=answer.confidence,
                    probabilities=dict(zip(found.labels, answer.probabilities, strict=True)),
                )
                for answer in found.answers
            ],
            model_number=found.model_number,
        )

    def ResolveService(self, request: serving_pb2.ResolveServiceRequest) -> serving_pb2.ResolveServiceResponse:
        service = commands.resolve_service(request.id, self._services)
        settings = self._app.settings
        return serving_pb2.ResolveServiceResponse(
            triton_model=service.id, triton_grpc=settings.triton_grpc, triton_http=settings.triton_http
        )

    async def WatchService(self, request: serving_pb2.WatchServiceRequest) -> AsyncIterator[serving_pb2.Service]:
        told = ""
        async with self._feed.subscribe() as changes:
            while True:
                await changes.wait(WATCH_S)
                try:
                    service = await asyncio.to_thread(self._visible, request.id)
                except NotFound:
                    if told:
                        return  # it was deleted while it was watched
                    raise
                if service.etag != told:
                    told = service.etag
                    yield snapshot(service)

    def _visible(self, service_id: str) -> Service:
        service = self._services.get(service_id)
        require_visible(service)
        return service

    def _owned(self, service_id: str) -> Service:
        service = self._services.get(service_id)
        require_owner(service)
        return service


def run(stop: threading.Event) -> None:
    settings = serving_settings()
    app = bootstrap.build(settings)
    feed = ChangeFeed([COLLECTION], name="changes-services").start()
    try:
        descriptor = serving_pb2.DESCRIPTOR.services_by_name["ServingService"]
        kept = MaintenanceRpc("serving", HELD, PATIENCE)
        server.run("serving", settings, [(ServingRpc(app, feed), descriptor), (kept, DESCRIPTOR)], stop)
    finally:
        feed.stop()
        app.triton.close()
