"""Drives the original's public Python client, unchanged, against a running Watcher.

    pip install etl-watcher-sdk==0.1.43
    WATCHER_URL=http://localhost:8787 python test/python/sdk.py
"""

import os
import uuid
import warnings

import httpx
import pendulum
from watcher import Address, AddressLineage, ETLResult, Pipeline, PipelineConfig, Watcher, WatcherContext

BASE = os.environ.get("WATCHER_URL", "http://localhost:8787")
run = uuid.uuid4().hex[:8]
watcher = Watcher(BASE, auth="any-token")


def read(path: str, **query):
    return httpx.get(BASE + path, params=query).raise_for_status().json()


config = PipelineConfig(
    pipeline=Pipeline(
        name=f"sdk-{run}",
        pipeline_type_name="extraction",
        freshness_number=12,
        freshness_datepart="hour",
    ),
    default_watermark="2024-01-01",
    next_watermark="2024-02-01",
    address_lineage=AddressLineage(
        source_addresses=[Address(name=f"sdk_{run}.public.orders", address_type_name="postgres", address_type_group_name="database")],
        target_addresses=[Address(name=f"sdk_{run}.mart.orders", address_type_name="snowflake", address_type_group_name="warehouse")],
    ),
)

synced = watcher.sync_pipeline_config(config)
assert synced.pipeline.active and synced.watermark == "2024-01-01"
pipeline_id = synced.pipeline.id

# A new pipeline asks for its lineage: the first sync has posted it, though the SDK never sends load_lineage.
[source] = read("/address", name=f"sdk_{run}.public.orders")
assert (source["database_name"], source["schema_name"], source["table_name"]) == (f"sdk_{run}", "public", "orders")
assert len(read(f"/address_lineage/{source['id']}")) == 1


@watcher.track_pipeline_execution(pipeline_id=pipeline_id, active=True, watermark=synced.watermark, next_watermark=synced.next_watermark)
def etl(watcher_context: WatcherContext):
    child = watcher.track_child_pipeline_execution(
        pipeline_id, True, watcher_context.execution_id, lambda: ETLResult(completed_successfully=True, inserts=5, total_rows=5)
    )
    assert read(f"/pipeline_execution/{child.execution_id}")["parent_id"] == watcher_context.execution_id
    return ETLResult(completed_successfully=True, inserts=100, updates=1, total_rows=101, execution_metadata={"partition": "2025-01-01"})


tracked = etl()
execution = read(f"/pipeline_execution/{tracked.execution_id}")
assert execution["completed_successfully"] and execution["inserts"] == 100 and execution["execution_metadata"] == {"partition": "2025-01-01"}
assert len(execution["child_executions"]) == 1
pipeline = read(f"/pipeline/{pipeline_id}")
assert pipeline["watermark"] == "2024-02-01" and pipeline["load_lineage"] is False


@watcher.track_pipeline_execution(pipeline_id=pipeline_id, active=True)
def failing():
    raise RuntimeError("no such table")


try:
    failing()
    raise SystemExit("the decorator swallowed the exception")
except RuntimeError:
    pass
assert len(read("/pipeline_execution", pipeline_id=pipeline_id, status="failed")) == 1

# Starts and ends a run directly. The SDK sends nulls; a repeated start and end are one run.
start = pendulum.now("UTC")
started = watcher.start_pipeline_execution(pipeline_id, start_date=start, parent_execution_id=tracked.execution_id)
assert watcher.start_pipeline_execution(pipeline_id, start_date=start, parent_execution_id=tracked.execution_id) == started
for _ in range(2):
    watcher.end_pipeline_execution(started, completed_successfully=True, end_date=pendulum.now("UTC"), inserts=3)
assert read(f"/pipeline_execution/{started}")["parent_id"] == tracked.execution_id

watcher.update_pipeline_next_watermark(pipeline_id, "2024-03-01")
assert read(f"/pipeline/{pipeline_id}")["next_watermark"] == "2024-03-01"

# The SDK warns about an inactive pipeline, and nulls in its configuration change nothing.
httpx.patch(f"{BASE}/pipeline", json={"id": pipeline_id, "active": False}).raise_for_status()
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    assert watcher.sync_pipeline_config(config).pipeline.active is False
    assert any("not active" in str(warning.message) for warning in caught)
assert read(f"/pipeline/{pipeline_id}")["freshness_number"] == 12

# Without a lineage the first sync fails in the SDK itself, as with the original: it reads the lineage it has not got.
without = PipelineConfig(pipeline=Pipeline(name=f"sdk-{run}-no-lineage", pipeline_type_name="extraction"))
try:
    watcher.sync_pipeline_config(without)
    raise SystemExit("a sync without a lineage was expected to fail")
except AttributeError as error:
    assert "model_dump" in str(error), error

# The way out for one that exists: it is told not to ask.
[created] = read("/pipeline", name=without.pipeline.name)
httpx.patch(f"{BASE}/pipeline", json={"id": created["id"], "load_lineage": False}).raise_for_status()
assert watcher.sync_pipeline_config(without).pipeline.id == created["id"]

# The way out for one that is new: it is created once without asking, before its first sync.
new = {"name": f"sdk-{run}-not-asked", "pipeline_type_name": "extraction", "load_lineage": False}
httpx.post(f"{BASE}/pipeline", json=new).raise_for_status()
assert watcher.sync_pipeline_config(PipelineConfig(pipeline=Pipeline(name=new["name"], pipeline_type_name="extraction"))).pipeline.active

print(f"etl-watcher-sdk works against {BASE}")
