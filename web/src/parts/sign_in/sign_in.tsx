import { useSignal } from "@preact/signals";
import { isPrivate } from "../../service/issuer";
import { texts } from "../../texts/en";
import { Dialog } from "../dialog";
import type { Parts } from "../parts";

/** Signing in, when the service asks for it or somebody wants to; and out again. The view stays as it is. */
export function SignInDialog({ parts }: { parts: Parts }) {
  const { signIn, info, service, page, dialog } = parts;
  const token = useSignal("");
  const offer = info.value?.auth;
  const person = signIn.person.value;
  const signedIn = signIn.token.value !== null && person != null;
  const close = () => {
    dialog.value = null;
    signIn.asked.value = false;
    signIn.problem.value = "";
  };
  const paste = async (event: Event) => {
    event.preventDefault();
    await signIn.paste(token.value, service);
    token.value = "";
    if (signIn.problem.value === "") close();
  };
  const leave = (issuer: NonNullable<NonNullable<typeof offer>["issuer"]>) => {
    page.write();
    void signIn.leave(issuer, location.hash);
  };
  const reachable = isSecureContext && isPrivate(location.href);
  const ways = offer?.issuer != null || offer?.tokens === true;
  return (
    <Dialog title={texts.signIn.title} close={close} kind="sign-in">
      {signIn.asked.value && signIn.problem.value === "" && <p>{texts.signIn.required}</p>}
      {signIn.problem.value !== "" && <p class="problem" role="alert">{signIn.problem.value}</p>}
      {person != null && (
        <p>{texts.signIn.as(person.name, person.role === null ? texts.signIn.nobody : texts.signIn.roles[person.role])}</p>
      )}
      {offer?.issuer != null && (
        <p>
          {reachable ? (
            <button type="button" class="strong" onClick={() => leave(offer.issuer!)}>
              {texts.signIn.at(new URL(offer.issuer.authority).host)}
            </button>
          ) : (
            texts.signIn.insecure
          )}
        </p>
      )}
      {offer?.tokens === true && (
        <form onSubmit={(event) => void paste(event)}>
          <label class="field">
            {texts.signIn.token}
            <input
              type="password"
              autoComplete="off"
              spellcheck={false}
              value={token.value}
              aria-describedby="token-hint"
              onInput={(event) => (token.value = event.currentTarget.value)}
            />
          </label>
          <p id="token-hint" class="quiet">
            {texts.signIn.tokenHint}
          </p>
          <button type="submit" disabled={token.value.trim() === ""}>
            {texts.signIn.useToken}
          </button>
        </form>
      )}
      {offer != null && !ways && <p>{texts.signIn.neither}</p>}
      <footer>
        {signedIn && (
          <button type="button" onClick={() => void signIn.signOut()}>
            {texts.signIn.out}
          </button>
        )}
      </footer>
    </Dialog>
  );
}
