"""A run of a pipeline by the client that openapi-python-client makes. `npm run test:clients` runs it beside that client."""

import os

from watcher_client import AuthenticatedClient
from watcher_client.api.executions import end_execution, get_execution, list_executions, start_execution
from watcher_client.api.pipelines import create_or_get_pipeline, get_pipeline
from watcher_client.models import (
    Datepart,
    Error,
    ErrorCode,
    Execution,
    ExecutionEnd,
    ExecutionStart,
    ExecutionStatus,
    ExecutionWithChildren,
    Id,
    JsonObject,
    PipelineCreated,
    PipelinePost,
    PipelineWithEffective,
)

client = AuthenticatedClient(base_url=os.environ["WATCHER_URL"], token=os.environ["WATCHER_TOKEN"])

body = PipelinePost(
    name="openapi-python-client",
    pipeline_type_name="generated client",
    freshness_number=1,
    freshness_datepart=Datepart.DAY,
)
created = create_or_get_pipeline.sync(client=client, body=body)
assert isinstance(created, PipelineCreated), created
assert create_or_get_pipeline.sync(client=client, body=body) == created
pipeline = get_pipeline.sync(created.id, client=client)
assert isinstance(pipeline, PipelineWithEffective), pipeline
assert pipeline.freshness_datepart is Datepart.DAY

metadata = JsonObject.from_dict({"partition": "2025-01-09"})
start = ExecutionStart(pipeline_id=created.id, execution_metadata=metadata)
run = start_execution.sync(client=client, body=start, idempotency_key="run-1")
assert isinstance(run, Id), run
assert start_execution.sync(client=client, body=start, idempotency_key="run-1") == run

end = end_execution.sync_detailed(client=client, body=ExecutionEnd(id=run.id, inserts=150, total_rows=5_000_000_000))
assert end.status_code == 204, end

execution = get_execution.sync(run.id, client=client)
assert isinstance(execution, ExecutionWithChildren), execution
assert execution.child_executions == []
assert (execution.inserts, execution.total_rows, execution.completed_successfully) == (150, 5_000_000_000, True)
assert execution.execution_metadata == metadata
assert execution.end_date is not None and execution.end_date >= execution.start_date

succeeded = list_executions.sync(client=client, pipeline_id=created.id, status=ExecutionStatus.SUCCEEDED)
assert isinstance(succeeded, list) and all(isinstance(row, Execution) for row in succeeded)
assert [row.id for row in succeeded] == [run.id]
assert list_executions.sync(client=client, pipeline_id=created.id, status=ExecutionStatus.RUNNING) == []

error = get_execution.sync(1_000_000_000, client=client)
assert isinstance(error, Error), error
assert error.code is ErrorCode.PIPELINE_EXECUTION_NOT_FOUND
