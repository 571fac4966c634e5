// A certified OpenID provider for the tests: HTTPS on loopback, accounts as the test says, no consent to click through.
//
// Settings come as one JSON line on standard input: key, certificate (PEM), clients, accounts {login: claims}.
// The first line of output is the port. A login of `gone` in a later line {"gone": "login"} ends that account's grants;
// {"claims": {login: claims}} changes what is said from then on.
import https from "node:https";
import readline from "node:readline";
import { generateKeyPairSync } from "node:crypto";
import Provider from "oidc-provider";

const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const told = JSON.parse((await lines.next()).value);
const accounts = new Map(Object.entries(told.accounts));
const jwk = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ format: "jwk" });

const server = https.createServer({ key: told.key, cert: told.certificate });
await new Promise((done) => server.listen(0, "127.0.0.1", done));
const issuer = `https://localhost:${server.address().port}`;

const provider = new Provider(issuer, {
  clients: told.clients,
  jwks: { keys: [{ ...jwk, kid: "one", use: "sig", alg: "RS256" }] },
  claims: { openid: ["sub", "amr"], profile: ["name", "roles", "employee"] },
  conformIdTokenClaims: false,
  pkce: { required: () => true, methods: ["S256"] },
  scopes: ["openid", "profile", "offline_access"],
  features: { devInteractions: { enabled: true } },
  issueRefreshToken: async (_, client) => client.grantTypeAllowed("refresh_token"),
  rotateRefreshToken: true,
  cookies: { keys: ["only for tests"] },
  async findAccount(_, login) {
    const claims = accounts.get(login);
    return claims && { accountId: login, claims: async () => ({ sub: login, ...claims }) };
  },
  // Whoever signs in has agreed: what the clients may ask for is the institution's to say.
  async loadExistingGrant(ctx) {
    const grant = new ctx.oidc.provider.Grant({
      clientId: ctx.oidc.client.clientId,
      accountId: ctx.oidc.session.accountId,
    });
    grant.addOIDCScope("openid profile offline_access");
    await grant.save();
    return grant;
  },
});
provider.on("server_error", (_, error) => console.error(error));
// Who gives a code besides the password has shown a second factor, and the tokens say so.
const callback = provider.callback();
server.on("request", async (request, answer) => {
  if (request.method !== "POST" || !request.url.startsWith("/interaction/")) return callback(request, answer);
  let form = "";
  for await (const part of request) form += part;
  const fields = new URLSearchParams(form);
  const amr = fields.has("code") ? ["pwd", "otp", "mfa"] : ["pwd"];
  const login = { accountId: fields.get("login"), amr };
  await provider.interactionFinished(request, answer, { login }, { mergeWithLastSubmission: false });
});
console.log(issuer);

for await (const line of lines) {
  const { claims = {}, gone } = JSON.parse(line);
  for (const [login, says] of Object.entries(claims)) accounts.set(login, says);
  if (gone) accounts.delete(gone);
  console.log("done");
}
process.exit(0);
