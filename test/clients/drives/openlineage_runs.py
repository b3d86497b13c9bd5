"""Sends runs with OpenLineage's own Python client: over HTTP, packed, and asynchronously."""

import sys
from datetime import datetime, timedelta, timezone

from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
from openlineage.client.facet_v2 import error_message_run, output_statistics_output_dataset, parent_run
from openlineage.client.transport.async_http import AsyncHttpConfig, AsyncHttpTransport
from openlineage.client.transport.http import ApiKeyTokenProvider, HttpCompression, HttpConfig, HttpTransport

url, token = sys.argv[1:]
auth = ApiKeyTokenProvider({"apiKey": token})
clients = {
    "plain": OpenLineageClient(transport=HttpTransport(HttpConfig(url=url, auth=auth))),
    "gzip": OpenLineageClient(transport=HttpTransport(HttpConfig(url=url, auth=auth, compression=HttpCompression.GZIP))),
    "async": OpenLineageClient(transport=AsyncHttpTransport(AsyncHttpConfig(url=url, auth=auth))),
}
begun = datetime.now(timezone.utc) - timedelta(minutes=10)
runs = {name: f"0191f0c0-0000-7000-8000-00000000000{index}" for index, name in enumerate(clients)}
producer = "https://example.com/integration/python"


def tell(client, state, minutes, name, facets=None, **datasets):
    client.emit(
        RunEvent(
            eventType=state,
            eventTime=(begun + timedelta(minutes=minutes)).isoformat(),
            run=Run(runId=runs[name], facets=facets or {}),
            job=Job(namespace="python", name=f"job-{name}"),
            producer=producer,
            **datasets,
        )
    )


for name, client in clients.items():
    inputs = [InputDataset(namespace="postgres://shop:5432", name="public.orders")]
    rows = output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(rowCount=7, size=100)
    outputs = [OutputDataset(namespace="s3://lake", name=name, outputFacets={"outputStatistics": rows})]
    parent = {}
    if name != "plain":
        parent["parent"] = parent_run.ParentRunFacet(run=parent_run.Run(runId=runs["plain"]), job=parent_run.Job(namespace="python", name="job-plain"))
    tell(client, RunState.START, 1, name, parent, inputs=inputs)
    if name == "gzip":
        parent["errorMessage"] = error_message_run.ErrorMessageRunFacet(message="disk full", programmingLanguage="python")
        tell(client, RunState.FAIL, 2, name, parent)
    else:
        tell(client, RunState.COMPLETE, 3, name, parent, outputs=outputs)
    client.close()
print("sent")
