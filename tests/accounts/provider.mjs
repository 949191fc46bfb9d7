// A real identity provider (oidc-provider, certified) for the tests of the single sign-on: a process of its own, over HTTP.
//   node provider.mjs SITE     prints the address it listens at; ends when its standard input ends
// It lets in whoever names himself, and it can be told to misbehave once: POST /misbehave?how=…, on the next token.
import { createServer } from "node:http";
import { createHash } from "node:crypto";
import { exportJWK, generateKeyPair, decodeJwt, decodeProtectedHeader, SignJWT, UnsecuredJWT } from "jose";
import { Provider } from "oidc-provider";

const site = process.argv[2];
const pair = await generateKeyPair("RS256", { extractable: true });
const other = await generateKeyPair("RS256");
const key = { ...(await exportJWK(pair.privateKey)), kid: "first", use: "sig", alg: "RS256" };

const server = createServer();
await new Promise((done) => server.listen(0, "127.0.0.1", done));
const issuer = `http://127.0.0.1:${server.address().port}`;

const provider = new Provider(issuer, {
  clients: [{
    client_id: "city", client_secret: "the secret of the city hall", scope: "openid profile",
    redirect_uris: [`${site}/accounts/sso/back/`], post_logout_redirect_uris: [`${site}/accounts/login/`],
  }],
  jwks: { keys: [key] },
  cookies: { keys: ["for tests only"] },
  // "staff" stands in the ID token; "employee" only on the page about the person.
  claims: { openid: ["sub", "staff"], profile: ["employee"] },
  findAccount: (_ctx, id) => ({
    accountId: id,
    claims: () => (id === "nameless" ? { sub: id } : { sub: id, staff: id, employee: id }),
  }),
  features: { devInteractions: { enabled: false }, rpInitiatedLogout: {
    enabled: true,
    logoutSource: (ctx, asks) => { ctx.body = `<title>退出</title><h1>退出统一身份认证</h1>${asks}<button form="op.logoutForm" name="logout" value="yes">退出</button>`; },
  } },
  interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
  ttl: { Session: 3600, Grant: 3600, Interaction: 600, AccessToken: 600, AuthorizationCode: 60, IdToken: 600 },
  async loadExistingGrant(ctx) { // everybody has agreed already
    const grant = new ctx.oidc.provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
    grant.addOIDCScope("openid profile");
    await grant.save();
    return grant;
  },
});

const now = () => Math.floor(Date.now() / 1000);
const MISBEHAVIOUR = {
  audience: (claims) => ({ ...claims, aud: "another-program" }),
  party: (claims) => ({ ...claims, aud: ["another-program"], azp: "city" }),
  issuer: (claims) => ({ ...claims, iss: "https://elsewhere.example.org" }),
  nonce: (claims) => ({ ...claims, nonce: "of somebody else" }),
  expired: (claims) => ({ ...claims, iat: now() - 7200, exp: now() - 3600 }),
  long_ago: (claims) => ({ ...claims, auth_time: now() - 3600 }),
  other_key: (claims) => claims,
  shared_secret: (claims) => claims,
  unsigned: (claims) => claims,
  no_token: (claims) => claims,
};
let misbehaves = "";

async function changed(token) {
  const claims = MISBEHAVIOUR[misbehaves](decodeJwt(token));
  if (misbehaves === "no_token") return undefined;
  if (misbehaves === "unsigned") return new UnsecuredJWT(claims).encode();
  if (misbehaves === "shared_secret") { // what everybody can read, the public key, taken for a secret
    const secret = createHash("sha256").update(JSON.stringify(key.n)).digest();
    return new SignJWT(claims).setProtectedHeader({ alg: "HS256", kid: "first" }).sign(secret);
  }
  return new SignJWT(claims).setProtectedHeader(decodeProtectedHeader(token)).sign(misbehaves === "other_key" ? other.privateKey : pair.privateKey);
}

const form = (error) => `<!doctype html><html lang="zh-Hans"><head><meta charset="utf-8"><title>统一身份认证</title><link rel="icon" href="data:,"></head>
<body><main><h1>统一身份认证</h1>${error}<form method="post"><label>账号 <input name="login" autofocus></label> <button name="go">登录</button>
<button name="cancel" value="yes">取消</button></form></main></body></html>`;

provider.use(async (ctx, next) => {
  if (ctx.path === "/misbehave") { misbehaves = ctx.query.how; ctx.body = "so be it"; return; }
  if (ctx.path.startsWith("/interaction/")) {
    if (ctx.method === "GET") { ctx.type = "html"; ctx.body = form(""); return; }
    let sent = "";
    for await (const part of ctx.req) sent += part;
    const said = new URLSearchParams(sent);
    const result = said.has("cancel") ? { error: "access_denied" } : { login: { accountId: said.get("login") } };
    ctx.redirect(await provider.interactionResult(ctx.req, ctx.res, result));
    ctx.status = 303;
    return;
  }
  await next();
  if (ctx.path === "/token" && misbehaves && ctx.body?.id_token) {
    ctx.body = { ...ctx.body, id_token: await changed(ctx.body.id_token) };
    misbehaves = "";
  }
});

server.on("request", provider.callback());
process.stdin.on("end", () => process.exit(0)).resume();
console.log(issuer);
