// Checks the custom resources of CloudNativePG, cert-manager and the Prometheus operator
// against their schemas: node crds.mjs FILE, where check.py wrote FILE.
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const packages = {
  "postgresql.cnpg.io": "@kubernetes-models/cloudnative-pg",
  "cert-manager.io": "@kubernetes-models/cert-manager",
  "monitoring.coreos.com": "@kubernetes-models/prometheus-operator",
};

let problems = 0;
const resources = JSON.parse(readFileSync(process.argv[2], "utf8"));
for (const { overlay, resource } of resources) {
  const [group, version] = resource.apiVersion.split("/");
  const where = `${overlay}: ${resource.kind}/${resource.metadata.name}`;
  try {
    const path = resolve("node_modules", packages[group], group, version, `${resource.kind}.js`);
    const kinds = await import(pathToFileURL(path));
    new kinds[resource.kind](resource).validate();
  } catch (error) {
    problems += 1;
    console.error(`${where}: ${error.message}`);
  }
}
console.log(`${resources.length} resources of other operators checked`);
process.exit(problems ? 1 : 0);
