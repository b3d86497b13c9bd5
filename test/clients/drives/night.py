"""The DAG of airflow.ts: a task that succeeds, and one after it that fails."""

import pendulum
from airflow.sdk import DAG, task

with DAG("night", schedule=None, start_date=pendulum.datetime(2026, 1, 1), catchup=False):

    @task
    def load():
        return 3

    @task
    def check(rows):
        raise ValueError(f"too few rows: {rows}")

    check(load())
