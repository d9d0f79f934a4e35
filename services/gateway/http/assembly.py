"""The HTTP application of a wired gateway."""

from starlette.types import ASGIApp

from services.gateway.bootstrap import Gateway
from services.gateway.http import app, health
from services.gateway.http.browser.files import ConsoleFiles
from services.gateway.http.browser.session import SessionEndpoint
from services.gateway.http.inference import InferenceEndpoint
from services.gateway.http.transcoding import Limits, Transcoder
from services.gateway.http.tus import TusEndpoint
from services.kernel.storage.objects import MinioStore


def assemble(gateway: Gateway) -> ASGIApp:
    settings, access = gateway.settings, gateway.access
    limits = Limits(settings.body_limit, settings.large_body_limit, settings.body_idle_s, settings.request_time_s)
    inference = InferenceEndpoint(
        access, gateway.resolver, gateway.inference_http, limits, gateway.traffic, triton=settings.triton_http
    )
    uploads = TusEndpoint(
        access,
        gateway.uploads,
        body_idle_s=settings.body_idle_s,
        at_once=settings.upload_concurrency,
        closing=gateway.closing,
    )
    return app.build(
        app.Parts(
            contract=gateway.contract,
            transcoder=Transcoder(access, gateway.backends, limits, gateway.closing),
            uploads=uploads,
            inference=inference,
            readiness=health.Readiness(_checks(gateway)),
            session=SessionEndpoint(
                gateway.contract,
                access,
                gateway.backends,
                limits,
                lasts_s=settings.session_limit_s,
                secure=settings.console_https,
            ),
            console=ConsoleFiles(),
            header_limit=settings.header_limit,
        )
    )


def _checks(gateway: Gateway) -> dict[str, health.Check]:
    settings = gateway.settings
    services = {name: health.grpc_service(backend.channel) for name, backend in gateway.remote.items()}
    # A store of its own without retries, so that a check that was given up does not go on in its thread.
    return services | {
        "mongo": health.database(),
        "broker": health.broker(settings.amqp_uri.get_secret_value()),
        "object_store": health.object_store(MinioStore(settings, tries=0)),
        "triton": health.triton(gateway.inference_http, settings.triton_http),
    }
