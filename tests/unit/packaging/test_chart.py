"""The Helm chart: renders to objects that fit together; values are checked by their schema."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
import yaml
from tests.unit.packaging.charted import CHART, DEFAULTS, EVERYTHING, objects

from hubspot_hitl import __version__
from hubspot_hitl.settings import Settings

SCHEMA = json.loads((CHART / "values.schema.json").read_text())


def pods(made: dict[str, Any]) -> list[Any]:
    return [made[kind]["spec"]["template"]["spec"] for kind in ("Deployment", "Job")]


def test_the_chart_has_the_versions_of_the_package() -> None:
    meta = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert (meta["version"], meta["appVersion"]) == (__version__, __version__)


def test_the_default_values_fit_their_schema() -> None:
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    jsonschema.validate(DEFAULTS, SCHEMA)
    jsonschema.validate({**DEFAULTS, **EVERYTHING}, SCHEMA)


@pytest.mark.parametrize(
    "wrong",
    [
        {"replicas": 0},
        {"publicUrl": "hitl.example.com"},
        {"settings": {"PATH": "/bin"}},
        {"secretFiles": {"key": "HITL_SECRET_KEYS"}},
        {"replicaCount": 3},
    ],
)
def test_values_that_cannot_work_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**DEFAULTS, **wrong}, SCHEMA)


def test_the_usual_objects_are_made() -> None:
    assert set(objects()) == {
        "Deployment",
        "Job",
        "Service",
        "PodDisruptionBudget",
        "NetworkPolicy",
    }
    assert set(objects(**EVERYTHING)) == {
        *objects(),
        "HorizontalPodAutoscaler",
        "Ingress",
    }


def test_everything_selects_the_pods_of_the_deployment() -> None:
    made = objects(**EVERYTHING)
    labels = made["Deployment"]["spec"]["template"]["metadata"]["labels"].items()
    for selector in (
        made["Deployment"]["spec"]["selector"]["matchLabels"],
        made["Service"]["spec"]["selector"],
        made["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"],
        made["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"],
    ):
        assert selector.items() <= labels
    job = made["Job"]["spec"]["template"]["metadata"]["labels"]
    assert not made["Service"]["spec"]["selector"].items() <= job.items()


def test_pods_run_as_nobody_on_a_read_only_root() -> None:
    for pod in pods(objects()):
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["automountServiceAccountToken"] is False
        (container,) = pod["containers"]
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        mounted = {mount["name"] for mount in container["volumeMounts"]}
        assert mounted == {volume["name"] for volume in pod["volumes"]}


def test_every_variable_is_a_setting_of_the_server() -> None:
    known = {f"HITL_{name.upper()}" for name in Settings.model_fields}
    for pod in pods(objects(**EVERYTHING)):
        names = [entry["name"] for entry in pod["containers"][0]["env"]]
        assert len(names) == len(set(names))
        assert {name.removesuffix("_FILE") for name in names} <= known


def test_no_secret_is_a_value() -> None:
    for pod in pods(objects()):
        for entry in pod["containers"][0]["env"]:
            if entry["name"].endswith("_FILE"):
                assert entry["value"].startswith("/run/secrets/hubspot-hitl/")


def test_the_schema_is_migrated_before_replicas_start() -> None:
    job = objects()["Job"]
    assert job["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"
    assert job["spec"]["template"]["spec"]["containers"][0]["args"] == ["migrate"]


def test_the_probes_ask_routes_that_exist() -> None:
    (container,) = objects()["Deployment"]["spec"]["template"]["spec"]["containers"]
    assert container["livenessProbe"]["httpGet"]["path"] == "/livez"
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"


def test_an_autoscaled_deployment_names_no_number_of_replicas() -> None:
    assert "replicas" not in objects(**EVERYTHING)["Deployment"]["spec"]
    assert objects()["Deployment"]["spec"]["replicas"] == 2


def test_a_replica_has_time_to_finish() -> None:
    pod = objects()["Deployment"]["spec"]["template"]["spec"]
    assert pod["terminationGracePeriodSeconds"] > Settings().shutdown_grace_s + 5
