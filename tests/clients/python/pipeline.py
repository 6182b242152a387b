"""Drives the service with IBM's own client for Python: what it sends and accepts decides.

Environment: SERVICE (base URL), IAM (base URL of the token exchange), PIPELINE (id), API_KEY (an editor's).
"""

import inspect
import os
import unittest

from ibm_cloud_sdk_core import ApiException
from ibm_cloud_sdk_core.authenticators import BearerTokenAuthenticator, IAMAuthenticator
from ibm_continuous_delivery.cd_tekton_pipeline_v2 import (
    CdTektonPipelineV2,
    GenericSecret,
    PipelineRun,
    PipelineRunsCollection,
    PipelineRunTrigger,
    PropertiesCollection,
    Property,
    TektonPipeline,
    TektonPipelineRunsPager,
    TriggerGenericTrigger,
    TriggerPatch,
    TriggerPropertiesCollection,
    TriggerProperty,
    TriggersCollection,
    WorkerIdentity,
)

PIPELINE = os.environ["PIPELINE"]

# These manage pipelines and their definitions, which no async stage needs: the service has one pipeline, and it is there.
LEFT_OUT = {
    "create_tekton_pipeline", "update_tekton_pipeline", "delete_tekton_pipeline",
    "list_tekton_pipeline_definitions", "create_tekton_pipeline_definition", "get_tekton_pipeline_definition",
    "replace_tekton_pipeline_definition", "delete_tekton_pipeline_definition",
}

CALLED = set()


class Recording(CdTektonPipelineV2):
    """The client, and a note of which operations were called."""

    def __getattribute__(self, name):
        if "tekton_pipeline" in name and not name.startswith("_"):
            CALLED.add(name)
        return super().__getattribute__(name)


def client(key=None):
    authenticator = IAMAuthenticator(key or os.environ["API_KEY"], url=os.environ["IAM"])
    made = Recording(authenticator=authenticator)
    made.set_service_url(os.environ["SERVICE"])
    return made


def secret():
    return GenericSecret(type="token_matches", value="0123456789abcdef", source="header", key_name="x-async-stage-token")


class Suite(unittest.TestCase):
    def setUp(self):
        self.api = client()

    def ok(self, status, response):
        self.assertEqual(response.get_status_code(), status)
        return response.get_result()

    def refused(self, status, words, call, *arguments, **named):
        with self.assertRaises(ApiException) as caught:
            call(*arguments, **named)
        self.assertEqual(caught.exception.status_code, status)
        self.assertIn(words, caught.exception.message)
        self.assertTrue(caught.exception.global_transaction_id, "no X-Global-Transaction-Id")

    def trigger(self, name, **more):
        more.setdefault("secret", secret())
        return self.ok(201, self.api.create_tekton_pipeline_trigger(PIPELINE, "generic", name, "async-stage-listener", **more))


class TestPipeline(Suite):
    def test_it_is_read_as_the_client_models_it(self):
        found = TektonPipeline.from_dict(self.ok(200, self.api.get_tekton_pipeline(PIPELINE)))
        self.assertEqual((found.id, found.enabled), (PIPELINE, True))
        self.refused(404, "there is no pipeline", self.api.get_tekton_pipeline, "00000000-0000-0000-0000-000000000000")


class TestTriggers(Suite):
    def test_one_is_created_read_changed_copied_and_deleted(self):
        made = self.trigger("life (of) a: trigger", worker=WorkerIdentity(id="public"), tags=["a", "b"], max_concurrent_runs=2, favorite=True)
        trigger = TriggerGenericTrigger.from_dict(made)
        self.assertRegex(trigger.webhook_url, "^http://127.0.0.1:.*/run/" + trigger.id)
        self.assertRegex(trigger.secret.value, "^hash:SHA3-512:[0-9a-f]{128}$")
        self.assertEqual(self.ok(200, self.api.get_tekton_pipeline_trigger(PIPELINE, trigger.id)), made)
        patch = TriggerPatch(enabled=False, secret=GenericSecret(**{**made["secret"], "value": "another-secret"})).to_dict()
        changed = TriggerGenericTrigger.from_dict(self.ok(200, self.api.update_tekton_pipeline_trigger(PIPELINE, trigger.id, trigger_patch=patch)))
        self.assertEqual((changed.enabled, changed.tags, changed.worker.id), (False, ["a", "b"], "public"))
        self.assertNotEqual(changed.secret.value, trigger.secret.value)
        copy = TriggerGenericTrigger.from_dict(self.ok(201, self.api.duplicate_tekton_pipeline_trigger(PIPELINE, trigger.id, "a copy")))
        self.assertEqual((copy.name, copy.tags), ("a copy", ["a", "b"]))
        self.assertNotEqual(copy.id, trigger.id)
        for gone in (trigger.id, copy.id):
            self.ok(204, self.api.delete_tekton_pipeline_trigger(PIPELINE, gone))
            self.refused(404, "there is no trigger", self.api.get_tekton_pipeline_trigger, PIPELINE, gone)
            self.refused(404, "there is no trigger", self.api.delete_tekton_pipeline_trigger, PIPELINE, gone)

    def test_every_type_is_read_as_the_client_models_it(self):
        source = {"type": "git", "properties": {"url": "https://git.example/a", "branch": "main"}}
        for kind, more in [("manual", {}), ("timer", {"cron": "0 4 * * *", "timezone": "UTC"}), ("scm", {"source": source, "events": ["push"]})]:
            made = self.ok(201, self.api.create_tekton_pipeline_trigger(PIPELINE, kind, "type " + kind, "listener", **more))
            self.assertEqual(self.ok(200, self.api.get_tekton_pipeline_trigger(PIPELINE, made["id"]))["type"], kind)

    def test_the_list_is_filtered(self):
        one, two = self.trigger("filter one", tags=["red"]), self.trigger("filter two", tags=["red", "blue"], enabled=False)
        both = {one["id"], two["id"]}
        for expected, query in [
            ({one["id"]}, {"name": "filter one"}),
            (both, {"name": "filter one,filter two"}),
            ({two["id"]}, {"tags": "blue"}),
            (both, {"tags": "red"}),
            ({two["id"]}, {"tags": "red", "disabled": "true"}),
            ({one["id"]}, {"tags": "red", "disabled": "false"}),
            (both, {"tags": "red", "type": "generic,manual"}),
            (set(), {"tags": "red", "type": "manual"}),
            (set(), {"tags": "red", "event_listener": "another"}),
            (both, {"tags": "red", "worker_id": "inherit"}),
            (set(), {"name": "filter"}),
        ]:
            found = TriggersCollection.from_dict(self.ok(200, self.api.list_tekton_pipeline_triggers(PIPELINE, **query)))
            self.assertEqual({trigger["id"] for trigger in found.triggers}, expected, query)
        self.refused(400, "`type` must be one of", self.api.list_tekton_pipeline_triggers, PIPELINE, type="webhook")

    def test_what_the_client_does_not_check_is_refused(self):
        create = self.api.create_tekton_pipeline_trigger
        self.refused(400, "`type` must be one of", create, PIPELINE, "webhook", "n", "l")
        self.refused(400, "`name` must be 1 to 253", create, PIPELINE, "generic", "a;b", "l")
        self.refused(400, "`event_listener` must be 1 to 253", create, PIPELINE, "generic", "n", "a b")


class TestProperties(Suite):
    def test_one_is_created_read_replaced_and_deleted(self):
        api = self.api
        made = self.ok(201, api.create_tekton_pipeline_properties(PIPELINE, "life", "secure", value="a", locked=True))
        self.assertRegex(Property.from_dict(made).value, "^hash:SHA3-512:[0-9a-f]{128}$")
        self.refused(409, "already", api.create_tekton_pipeline_properties, PIPELINE, "life", "secure", value="a")
        self.assertEqual(self.ok(200, api.get_tekton_pipeline_property(PIPELINE, "life")), made)
        other = self.ok(200, api.replace_tekton_pipeline_property(PIPELINE, "life", "life", "secure", value="b"))
        self.assertNotEqual(other["value"], made["value"])
        self.refused(400, "`type` cannot be changed", api.replace_tekton_pipeline_property, PIPELINE, "life", "life", "text", value="b")
        self.ok(204, api.delete_tekton_pipeline_property(PIPELINE, "life"))
        self.refused(404, "there is no property", api.get_tekton_pipeline_property, PIPELINE, "life")
        self.refused(404, "there is no property", api.delete_tekton_pipeline_property, PIPELINE, "life")

    def test_the_list_is_filtered_and_sorted(self):
        api = self.api
        for name, kind, more in [("list.b", "text", {"value": "1"}), ("list.a", "single_select", {"value": "x", "enum": ["x", "y"]})]:
            self.ok(201, api.create_tekton_pipeline_properties(PIPELINE, name, kind, **more))
        for expected, query in [
            (["list.a", "list.b"], {}),
            (["list.a", "list.b"], {"sort": "name"}),
            (["list.b", "list.a"], {"sort": "-name"}),
            (["list.a"], {"type": ["single_select", "integration"]}),
            (["list.b"], {"name": "list.b"}),
        ]:
            found = PropertiesCollection.from_dict(self.ok(200, api.list_tekton_pipeline_properties(PIPELINE, **query)))
            self.assertEqual([one.name for one in found.properties if one.name.startswith("list.")], expected, query)

    def test_those_of_a_trigger_have_the_same_life(self):
        api, trigger = self.api, self.trigger("with properties")["id"]
        made = self.ok(201, api.create_tekton_pipeline_trigger_properties(PIPELINE, trigger, "p", "secure", value="a"))
        self.assertRegex(TriggerProperty.from_dict(made).value, "^hash:SHA3-512:[0-9a-f]{128}$")
        self.refused(409, "already", api.create_tekton_pipeline_trigger_properties, PIPELINE, trigger, "p", "secure")
        self.assertEqual(self.ok(200, api.get_tekton_pipeline_trigger_property(PIPELINE, trigger, "p")), made)
        listed = self.ok(200, api.list_tekton_pipeline_trigger_properties(PIPELINE, trigger, name="p", type="secure", sort="name"))
        self.assertEqual([one.name for one in TriggerPropertiesCollection.from_dict(listed).properties], ["p"])
        other = self.ok(200, api.replace_tekton_pipeline_trigger_property(PIPELINE, trigger, "p", "p", "secure", value="b"))
        self.assertNotEqual(other["value"], made["value"])
        self.ok(204, api.delete_tekton_pipeline_trigger_property(PIPELINE, trigger, "p"))
        self.refused(404, "there is no property", api.get_tekton_pipeline_trigger_property, PIPELINE, trigger, "p")


class TestRuns(Suite):
    def test_one_is_started_read_cancelled_repeated_and_deleted(self):
        api = self.api
        self.trigger("runs")
        wanted = PipelineRunTrigger(name="runs", properties={"p": "1"}, secure_properties={"s": "2"}, headers_={"h": "3"}, body={"b": "4"})
        run = PipelineRun.from_dict(self.ok(201, api.create_tekton_pipeline_run(PIPELINE, trigger=wanted, description="d")))
        self.assertEqual((run.status, run.trigger["name"], run.description), ("queued", "runs", "d"))
        read = PipelineRun.from_dict(self.ok(200, api.get_tekton_pipeline_run(PIPELINE, run.id, includes="definitions")))
        self.assertEqual({one.name: one.value for one in read.properties if one.name == "p"}, {"p": "1"})
        self.assertNotIn("2", [one.value for one in read.properties])
        self.assertEqual(self.ok(200, api.get_tekton_pipeline_run_logs(PIPELINE, run.id)), {"logs": []})
        self.refused(404, "there is no log", api.get_tekton_pipeline_run_log_content, PIPELINE, run.id, "none")
        ended = self.ok(202, api.cancel_tekton_pipeline_run(PIPELINE, run.id, force=True))
        self.assertEqual(ended["status"], "cancelled")
        again = self.ok(201, api.rerun_tekton_pipeline_run(PIPELINE, run.id))
        self.assertNotEqual(again["id"], run.id)
        self.ok(204, api.delete_tekton_pipeline_run(PIPELINE, run.id))
        self.refused(404, "there is no run", api.get_tekton_pipeline_run, PIPELINE, run.id)

    def test_the_older_form_of_a_start_is_taken(self):
        self.trigger("older")
        run = self.ok(201, self.api.create_tekton_pipeline_run(PIPELINE, trigger_name="older", trigger_properties={"p": "1"}))
        self.assertEqual(run["trigger"]["name"], "older")
        self.refused(404, "there is no trigger", self.api.create_tekton_pipeline_run, PIPELINE, trigger_name="unknown")

    def test_pages_are_followed_to_the_end(self):
        self.trigger("pages")
        made = [self.ok(201, self.api.create_tekton_pipeline_run(PIPELINE, trigger_name="pages"))["id"] for _ in range(5)]
        pager = TektonPipelineRunsPager(client=self.api, pipeline_id=PIPELINE, limit=2, trigger_name="pages", status="queued")
        sizes, found = [], []
        while pager.has_next():
            page = pager.get_next()
            sizes.append(len(page))
            found += [run["id"] for run in page]
        self.assertEqual((sizes, found), ([2, 2, 1], made[::-1]))
        PipelineRunsCollection.from_dict(self.ok(200, self.api.list_tekton_pipeline_runs(PIPELINE, limit=2)))


class TestAccess(Suite):
    def test_an_unknown_key_or_token_is_refused(self):
        with self.assertRaises(ApiException) as caught:
            client("unknown").get_tekton_pipeline(PIPELINE)
        self.assertEqual(caught.exception.status_code, 400)
        api = Recording(authenticator=BearerTokenAuthenticator("nonsense"))
        api.set_service_url(os.environ["SERVICE"])
        self.refused(401, "bearer token", api.get_tekton_pipeline, PIPELINE)

    def test_an_operator_runs_and_reads_but_changes_nothing(self):
        self.trigger("for operators")
        api = client("key-operator")
        self.ok(200, api.list_tekton_pipeline_triggers(PIPELINE))
        self.ok(201, api.create_tekton_pipeline_run(PIPELINE, trigger_name="for operators"))
        self.refused(403, "Editor", api.create_tekton_pipeline_properties, PIPELINE, "p", "text")

    def test_the_client_finds_its_configuration_in_the_environment(self):
        api = Recording.new_instance()
        self.ok(200, api.get_tekton_pipeline(PIPELINE))


class TestWhole(unittest.TestCase):
    """Is run last; see below."""

    def test_every_operation_was_called(self):
        operations = {name for name, _ in inspect.getmembers(CdTektonPipelineV2, inspect.isfunction) if "tekton_pipeline" in name}
        self.assertEqual(operations - CALLED - LEFT_OUT, set())


if __name__ == "__main__":
    loader = unittest.TestLoader()
    suites = [loader.loadTestsFromTestCase(case) for case in (TestPipeline, TestTriggers, TestProperties, TestRuns, TestAccess, TestWhole)]
    result = unittest.TextTestRunner(verbosity=2).run(unittest.TestSuite(suites))
    raise SystemExit(not result.wasSuccessful())
