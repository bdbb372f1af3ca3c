#!/usr/bin/env python3
"""Renders every overlay and checks it.

The checks: built-in kinds match their schemas strictly, no secret is in plain text, pods match
the restricted profile, and the allowed traffic matches the graph in docs/ARCHITECTURE.md.
Custom resources are written to a file, which crds.mjs checks."""

import json
import pathlib
import re
import subprocess
import sys

import kubernetes_validate
import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent
OVERLAYS = ["dev", "staging", "prod"]
VERSION = "1.34"
SERVICES = ["auth", "ledger", "budget", "notify", "gateway"]

SECRETS = "SECRET|PASSWORD|_KEYS|DATABASE_URL|SMTP_URL|REDIS_URL"

problems = []


def report(where, what):
    problems.append(f"{where}: {what}")


def render(overlay):
    command = ["kubectl", "kustomize", str(ROOT / "k8s/overlays" / overlay)]
    return list(yaml.safe_load_all(subprocess.run(command, check=True, capture_output=True).stdout))


def name(resource):
    return f"{resource['kind']}/{resource['metadata']['name']}"


def validate(overlay, resource):
    try:
        kubernetes_validate.validate(resource, VERSION, strict=True)
    except kubernetes_validate.ValidationError as error:
        report(overlay, f"{name(resource)}: {'.'.join(map(str, error.path))}: {error.message}")
    except kubernetes_validate.SchemaNotFoundError:
        return False
    return True


def pod_of(resource):
    """Returns the pod template of a resource that creates pods, otherwise None."""
    if resource["kind"] == "CronJob":
        return resource["spec"]["jobTemplate"]["spec"]["template"]
    return resource["spec"]["template"] if resource["kind"] in ("Deployment", "Job") else None


def check_pod(overlay, resource):
    spec = pod_of(resource)["spec"]
    pod = spec["securityContext"]
    if not pod.get("runAsNonRoot") or pod.get("seccompProfile", {}).get("type") != "RuntimeDefault":
        report(overlay, f"{name(resource)}: pod does not match the restricted profile")
    if spec.get("automountServiceAccountToken") is not False:
        report(overlay, f"{name(resource)}: service account token is mounted")
    for container in spec["containers"]:
        check_image(overlay, resource, container["image"])
        security = container["securityContext"]
        hard = security["allowPrivilegeEscalation"] is False and security["readOnlyRootFilesystem"]
        if not hard or security["capabilities"]["drop"] != ["ALL"]:
            report(overlay, f"{name(resource)}: {container['name']} has too many privileges")
        if "limits" not in container["resources"] or "requests" not in container["resources"]:
            report(overlay, f"{name(resource)}: {container['name']} has no resources")
        if resource["kind"] == "Deployment" and not ("livenessProbe" in container and "readinessProbe" in container):
            report(overlay, f"{name(resource)}: {container['name']} has no probes")


def check_image(overlay, resource, image):
    """Third-party images are pinned by digest; FinTrac's own are built by the operator."""
    if not image.startswith("ghcr.io/fintrac/") and "@sha256:" not in image:
        report(overlay, f"{name(resource)}: {image} is not pinned by digest")


def check_references(overlay, resources):
    """Referenced ConfigMaps exist; except in dev, Secrets are only referenced."""
    made = {name(resource) for resource in resources}
    for resource in resources:
        if resource["kind"] == "ConfigMap":
            for key in filter(re.compile(SECRETS).search, resource.get("data", {})):
                report(overlay, f"{name(resource)}: {key} in plain text")
        if resource["kind"] == "Secret" and overlay != "dev":
            report(overlay, f"{name(resource)}: Secrets must not be in the manifests")
        if not pod_of(resource):
            continue
        for container in pod_of(resource)["spec"]["containers"]:
            mounts = [mount["mountPath"] for mount in container.get("volumeMounts", [])]
            for source in container.get("envFrom", []):
                if "secretRef" in source:
                    report(overlay, f"{name(resource)}: secrets must be mounted as files")
                reference = source.get("configMapRef")
                if reference and f"ConfigMap/{reference['name']}" not in made:
                    report(overlay, f"{name(resource)}: no ConfigMap {reference['name']}")
            for variable in container.get("env", []):
                path = variable.get("value", "")
                if "secretKeyRef" in variable.get("valueFrom", {}):
                    report(overlay, f"{name(resource)}: {variable['name']} must be mounted as a file")
                elif variable["name"].endswith("_FILE"):
                    if path and path.rsplit("/", 1)[0] not in mounts:
                        report(overlay, f"{name(resource)}: {variable['name']} is not in a mounted volume")
                elif re.search(SECRETS, variable["name"]) and path:
                    report(overlay, f"{name(resource)}: {variable['name']} in plain text")


def selects(selector, labels):
    match_labels = selector.get("matchLabels", {})
    if any(labels.get(key) != value for key, value in match_labels.items()):
        return False
    for expression in selector.get("matchExpressions", []):
        assert expression["operator"] == "In", expression
        if labels.get(expression["key"]) not in expression["values"]:
            return False
    return True


def peers(rules, side, others):
    """Returns the pods of `others` (name to labels) and external peers that the rules admit."""
    found = set()
    for rule in rules:
        for peer in rule.get(side, [{}]):
            if "ipBlock" in peer:
                found.add("internet:" + "+".join(str(port["port"]) for port in rule["ports"]))
            elif "namespaceSelector" in peer:
                found.add("namespace:" + peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"])
            elif "podSelector" in peer:
                found |= {pod for pod, labels in others.items() if selects(peer["podSelector"], labels)}
            else:
                found.add("anywhere:" + "+".join(str(port["port"]) for port in rule["ports"]))
    return found


def traffic(resources):
    """Returns the allowed edges; both sides must allow an edge."""
    pods = {"postgresql": {"cnpg.io/cluster": "postgresql"}}
    for resource in resources:
        if pod_of(resource):
            pods[resource["metadata"]["name"]] = pod_of(resource)["metadata"]["labels"]
    out, into = {pod: set() for pod in pods}, {pod: set() for pod in pods}
    denied = False
    for policy in (resource for resource in resources if resource["kind"] == "NetworkPolicy"):
        spec = policy["spec"]
        if spec["podSelector"] == {} and not spec.get("egress") and not spec.get("ingress"):
            denied = set(spec["policyTypes"]) == {"Ingress", "Egress"}
        for pod, labels in pods.items():
            if selects(spec["podSelector"], labels):
                out[pod] |= peers(spec.get("egress", []), "to", pods)
                into[pod] |= peers(spec.get("ingress", []), "from", pods)
    if not denied:
        report("network", "no policy denies all traffic by default")
    edges = set()
    for pod in pods:
        edges |= {(pod, peer) for peer in out[pod] if peer not in pods or pod in into[peer]}
        edges |= {(peer, pod) for peer in into[pod] if peer not in pods}
        for peer in out[pod] & set(pods):
            if pod not in into[peer]:
                report("network", f"egress from {pod} to {peer} is allowed, but not the ingress")
        for peer in into[pod] & set(pods):
            if pod not in out[peer]:
                report("network", f"ingress from {peer} to {pod} is allowed, but not the egress")
    return edges


def documented():
    """Returns the edges of the documented graph, whose lines are `caller → callee, callee`."""
    text = (ROOT / "docs/ARCHITECTURE.md").read_text()
    block = re.search(r"```graph\n(.*?)```", text, re.DOTALL)
    edges = set()
    for line in block.group(1).strip().splitlines():
        caller, callees = line.split("→")
        edges |= {(caller.strip(), callee.strip()) for callee in callees.split(",")}
    return edges


def main():
    others = []
    for overlay in OVERLAYS:
        resources = render(overlay)
        for resource in resources:
            if not validate(overlay, resource):
                others.append({"overlay": overlay, "resource": resource})
            if pod_of(resource):
                check_pod(overlay, resource)
            if resource["kind"] == "Cluster":
                check_image(overlay, resource, resource["spec"]["imageName"])
        check_references(overlay, resources)
        allowed = traffic(resources)
        for edge in sorted(allowed - documented()):
            report(overlay, f"allowed but not documented: {edge[0]} → {edge[1]}")
        for edge in sorted(documented() - allowed):
            report(overlay, f"documented but not allowed: {edge[0]} → {edge[1]}")
    pathlib.Path(sys.argv[1]).write_text(json.dumps(others))
    for problem in problems:
        print(problem, file=sys.stderr)
    sys.exit(bool(problems))


main()
