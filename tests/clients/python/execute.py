"""Starts pipelines on a service that executes them, with IBM's own client for Python, and follows them to their end.

Environment: SERVICE (base URL), IAM (base URL of the token exchange), PIPELINE (id), API_KEY (an editor's). The configuration has
the stages `setup`, which prints the property `color` and starts `scan`, and `slow`, which does not end by itself.
"""

import os
import time

from ibm_cloud_sdk_core.authenticators import IAMAuthenticator
from ibm_continuous_delivery.cd_tekton_pipeline_v2 import CdTektonPipelineV2

PIPELINE = os.environ["PIPELINE"]
ENDED = {"succeeded", "failed", "error", "cancelled"}


def status(api, run):
    return api.get_tekton_pipeline_run(PIPELINE, run).get_result()["status"]


def wait(api, run, wanted):
    deadline = time.monotonic() + 300
    while status(api, run) not in wanted:
        assert time.monotonic() < deadline, f"{run} is {status(api, run)}, and never {wanted}"
        time.sleep(0.05)
    return status(api, run)


def logs(api, run):
    listed = api.get_tekton_pipeline_run_logs(PIPELINE, run).get_result()["logs"]
    return "".join(api.get_tekton_pipeline_run_log_content(PIPELINE, run, log["id"]).get_result()["data"] for log in listed)


def main():
    api = CdTektonPipelineV2(authenticator=IAMAuthenticator(os.environ["API_KEY"], url=os.environ["IAM"]))
    api.set_service_url(os.environ["SERVICE"])
    api.create_tekton_pipeline_trigger(PIPELINE, type="manual", name="by hand", event_listener="listener")
    start = lambda **properties: api.create_tekton_pipeline_run(
        PIPELINE, trigger_name="by hand", trigger_properties={"pipeline_namespace": "ci", **properties}).get_result()["id"]

    run = start(color="red")
    assert wait(api, run, ENDED) == "succeeded"
    assert logs(api, run).startswith("red\n"), logs(api, run)

    again = api.rerun_tekton_pipeline_run(PIPELINE, run).get_result()["id"]
    assert wait(api, again, ENDED) == "succeeded"
    assert logs(api, again).startswith("red\n"), logs(api, again)

    scans = [each for each in api.list_tekton_pipeline_runs(PIPELINE).get_result()["pipeline_runs"]
             if each["trigger"]["name"] == "Subpipeline Webhook Trigger"]
    assert len(scans) == 2, scans
    for scan in scans:
        assert wait(api, scan["id"], ENDED) == "succeeded"
        assert logs(api, scan["id"]) == "scanning\n"

    slow = start(color="wait")
    wait(api, slow, {"running"})
    api.cancel_tekton_pipeline_run(PIPELINE, slow, force=True)
    assert wait(api, slow, ENDED) == "cancelled"
    print("executed")


main()
