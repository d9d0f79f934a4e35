"""The gRPC servicer: messages to handlers and back."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator

from google.protobuf import empty_pb2

from protos.serving.v1 import serving_pb2
from services.kernel.errors import NotFound
from services.kernel.grpc import server
from services.kernel.maintenance import DESCRIPTOR, MaintenanceRpc
from services.kernel.rights import require_may_give, require_owner, require_service, require_visible, visible_query
from services.kernel.storage.changes import ChangeFeed
from services.kernel.storage.documents import require_etag
from services.kernel.traffic import HOUR_S, Reporter, Tally
from services.kernel.wire import apply_mask, from_message
from services.serving import bootstrap
from services.serving.adapters.recent import RecentServices
from services.serving.config import serving_settings
from services.serving.domain import Service
from services.serving.handlers import predict as prediction
from services.serving.handlers import services as commands
from services.serving.maintenance import HELD, PATIENCE
from services.serving.messages import cell_of, traffic_point
from services.serving.models import COLLECTION, snapshot
from services.serving.statistics import Window, add_up

CHANGEABLE = {"name", "description", "visibility"}
WATCH_S = 15.0
DEFAULT_POINTS = 60


class ServingRpc:
    """`ServingService` of the proto."""

    def __init__(self, app: bootstrap.App, feed: ChangeFeed, tally: Tally) -> None:
        self._app = app
        self._services = app.services
        self._feed = feed
        self._recent = RecentServices(app.services, lambda: feed.generation)
        self._tally = tally

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
        found = prediction.predict(
            request.id, instances, self._recent, self._app.attention, self._app.triton, self._tally
        )
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

    def GetServiceStatistics(self, request: serving_pb2.GetServiceStatisticsRequest) -> serving_pb2.ServiceStatistics:
        service = self._visible(request.id)
        window = Window.until(
            time.time(), length_s=request.window_s or HOUR_S, most_points=request.points or DEFAULT_POINTS
        )
        found = add_up(window, self._app.traffic.read(service.id, window))
        return serving_pb2.ServiceStatistics(
            points=map(traffic_point, found.points), total=traffic_point(found.total), step_s=window.step_s
        )

    def RecordTraffic(self, request: serving_pb2.RecordTrafficRequest) -> empty_pb2.Empty:
        require_service()
        self._app.traffic.record(request.source, [cell_of(cell) for cell in request.cells])
        return empty_pb2.Empty()

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
    tally = Tally()
    reporter = Reporter(tally, app.traffic.record).start()
    try:
        descriptor = serving_pb2.DESCRIPTOR.services_by_name["ServingService"]
        kept = MaintenanceRpc("serving", HELD, PATIENCE)
        server.run("serving", settings, [(ServingRpc(app, feed, tally), descriptor), (kept, DESCRIPTOR)], stop)
    finally:
        reporter.stop()
        feed.stop()
        app.triton.close()
