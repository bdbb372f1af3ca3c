#!/usr/bin/env python3
"""Renders every overlay and checks it: built-in kinds strictly against their
schemas, no secret in clear, pods that the restricted profile admits, and the
allowed traffic against the graph in docs/ARCHITECTURE.md. The kinds of other
operators are checked by crds.mjs, which reads what this writes."""

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
PARTS = ["auth", "ledger", "budget", "notify", "gateway"]

SECRETS = "SECRET|PASSWORD|_KEYS|DATABASE_URL|SMTP_URL|REDIS_URL"

problems = []


def complain(where, what):
    problems.append(f"{where}: {what}")


def render(overlay):
    command = ["kubectl", "kustomize", str(ROOT / "k8s/overlays" / overlay)]
    return list(yaml.safe_load_all(subprocess.run(command, check=True, capture_output=True).stdout))


def name(thing):
    return f"{thing['kind']}/{thing['metadata']['name']}"


def validate(overlay, thing):
    try:
        kubernetes_validate.validate(thing, VERSION, strict=True)
    except kubernetes_validate.ValidationError as error:
        complain(overlay, f"{name(thing)}: {'.'.join(map(str, error.path))}: {error.message}")
    except kubernetes_validate.SchemaNotFoundError:
        return False
    return True


def pod_of(thing):
    """The template of what makes pods; none of anything else."""
    if thing["kind"] == "CronJob":
        return thing["spec"]["jobTemplate"]["spec"]["template"]
    return thing["spec"]["template"] if thing["kind"] in ("Deployment", "Job") else None


def check_pod(overlay, thing):
    spec = pod_of(thing)["spec"]
    pod = spec["securityContext"]
    if not pod.get("runAsNonRoot") or pod.get("seccompProfile", {}).get("type") != "RuntimeDefault":
        complain(overlay, f"{name(thing)}: not a pod of the restricted profile")
    if spec.get("automountServiceAccountToken") is not False:
        complain(overlay, f"{name(thing)}: mounts a token")
    for container in spec["containers"]:
        check_image(overlay, thing, container["image"])
        security = container["securityContext"]
        hard = security["allowPrivilegeEscalation"] is False and security["readOnlyRootFilesystem"]
        if not hard or security["capabilities"]["drop"] != ["ALL"]:
            complain(overlay, f"{name(thing)}: {container['name']} may do too much")
        if "limits" not in container["resources"] or "requests" not in container["resources"]:
            complain(overlay, f"{name(thing)}: {container['name']} has no resources")
        if thing["kind"] == "Deployment" and not ("livenessProbe" in container and "readinessProbe" in container):
            complain(overlay, f"{name(thing)}: {container['name']} has no probes")


def check_image(overlay, thing, image):
    """Other people's images are named by digest; our own are the operator's to build."""
    if not image.startswith("ghcr.io/fintrac/") and "@sha256:" not in image:
        complain(overlay, f"{name(thing)}: {image} is not named by digest")


def check_references(overlay, things):
    """Config maps exist; secrets are references only, but in dev."""
    made = {name(thing) for thing in things}
    for thing in things:
        if thing["kind"] == "ConfigMap":
            for key in filter(re.compile(SECRETS).search, thing.get("data", {})):
                complain(overlay, f"{name(thing)}: {key} in clear")
        if thing["kind"] == "Secret" and overlay != "dev":
            complain(overlay, f"{name(thing)}: secrets are made elsewhere")
        if not pod_of(thing):
            continue
        for container in pod_of(thing)["spec"]["containers"]:
            mounts = [mount["mountPath"] for mount in container.get("volumeMounts", [])]
            for source in container.get("envFrom", []):
                if "secretRef" in source:
                    complain(overlay, f"{name(thing)}: secrets come in files, not from the environment")
                wanted = source.get("configMapRef")
                if wanted and f"ConfigMap/{wanted['name']}" not in made:
                    complain(overlay, f"{name(thing)}: no ConfigMap {wanted['name']}")
            for variable in container.get("env", []):
                path = variable.get("value", "")
                if "secretKeyRef" in variable.get("valueFrom", {}):
                    complain(overlay, f"{name(thing)}: {variable['name']} comes from the environment")
                elif variable["name"].endswith("_FILE"):
                    if path and path.rsplit("/", 1)[0] not in mounts:
                        complain(overlay, f"{name(thing)}: {variable['name']} is mounted nowhere")
                elif re.search(SECRETS, variable["name"]) and path:
                    complain(overlay, f"{name(thing)}: {variable['name']} in clear")


def selects(selector, labels):
    wanted = selector.get("matchLabels", {})
    if any(labels.get(key) != value for key, value in wanted.items()):
        return False
    for expression in selector.get("matchExpressions", []):
        assert expression["operator"] == "In", expression
        if labels.get(expression["key"]) not in expression["values"]:
            return False
    return True


def peers(rules, side, others):
    """Of `others` (name to labels) those that a policy's rules admit; and outsiders."""
    found = set()
    for rule in rules:
        for peer in rule.get(side, [{}]):
            if "ipBlock" in peer:
                found.add("internet:" + "+".join(str(port["port"]) for port in rule["ports"]))
            elif "namespaceSelector" in peer:
                found.add("namespace:" + peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"])
            elif "podSelector" in peer:
                found |= {it for it, labels in others.items() if selects(peer["podSelector"], labels)}
            else:
                found.add("anywhere:" + "+".join(str(port["port"]) for port in rule["ports"]))
    return found


def traffic(things):
    """Who may speak to whom: both sides have to allow it."""
    pods = {"postgresql": {"cnpg.io/cluster": "postgresql"}}
    for thing in things:
        if pod_of(thing):
            pods[thing["metadata"]["name"]] = pod_of(thing)["metadata"]["labels"]
    out, into = {pod: set() for pod in pods}, {pod: set() for pod in pods}
    denied = False
    for policy in (thing for thing in things if thing["kind"] == "NetworkPolicy"):
        spec = policy["spec"]
        if spec["podSelector"] == {} and not spec.get("egress") and not spec.get("ingress"):
            denied = set(spec["policyTypes"]) == {"Ingress", "Egress"}
        for pod, labels in pods.items():
            if selects(spec["podSelector"], labels):
                out[pod] |= peers(spec.get("egress", []), "to", pods)
                into[pod] |= peers(spec.get("ingress", []), "from", pods)
    if not denied:
        complain("network", "nothing denies by default")
    edges = set()
    for pod in pods:
        edges |= {(pod, peer) for peer in out[pod] if peer not in pods or pod in into[peer]}
        edges |= {(peer, pod) for peer in into[pod] if peer not in pods}
        for peer in out[pod] & set(pods):
            if pod not in into[peer]:
                complain("network", f"{pod} may leave for {peer}, which does not let it in")
        for peer in into[pod] & set(pods):
            if pod not in out[peer]:
                complain("network", f"{pod} lets {peer} in, which may not leave for it")
    return edges


def documented():
    """The lines `caller → callee, callee` of the graph in the documentation."""
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
        things = render(overlay)
        for thing in things:
            if not validate(overlay, thing):
                others.append({"overlay": overlay, "thing": thing})
            if pod_of(thing):
                check_pod(overlay, thing)
            if thing["kind"] == "Cluster":
                check_image(overlay, thing, thing["spec"]["imageName"])
        check_references(overlay, things)
        allowed = traffic(things)
        for edge in sorted(allowed - documented()):
            complain(overlay, f"allowed but not documented: {edge[0]} → {edge[1]}")
        for edge in sorted(documented() - allowed):
            complain(overlay, f"documented but not allowed: {edge[0]} → {edge[1]}")
    pathlib.Path(sys.argv[1]).write_text(json.dumps(others))
    for problem in problems:
        print(problem, file=sys.stderr)
    sys.exit(bool(problems))


main()
