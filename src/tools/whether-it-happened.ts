import type { SessionFacts, WriteTool } from './define-tool.ts';
import type { GateAnswer } from './gate.ts';

const IT_DID = 'It happened';
const IT_DID_NOT = 'It did not happen';

/** Begun and cut off, before or after it was sent, on a backend that neither knows our key nor can be searched: it is not sent again, whatever a person says. */
export function whetherItHappened(tool: WriteTool, { answer, interrupted, requester }: SessionFacts): GateAnswer {
  const said = answer ?? interrupted;
  if (!said) {
    const question = `${tool.title}: labmate was cut off while it sent this, so it may have happened, or not. I cannot find out which, and do not send it twice. Please look there: did it happen?`;
    const waiting = { for: 'answer' as const, question, options: [IT_DID, IT_DID_NOT, 'I cannot tell'], to: requester, free_text: true };
    return { is: 'answer', answer: { kind: 'wait', waiting, text: 'A person is asked whether it happened.', data: { status: 'waiting' } } };
  }
  const next =
    answer?.text === IT_DID
      ? 'Go on as if it had answered.'
      : answer?.text === IT_DID_NOT
        ? 'It may be called anew if it is still wanted.'
        : 'Do not call it anew unless a person wants it.';
  const text = `${tool.name} may have been sent, and no answer came, so it is not known from it what happened. <@${said.by}> ${answer ? 'looked and says' : 'wrote while several questions were open'}: ${said.text}. ${next}`;
  return {
    is: 'unknown',
    text,
    data: { status: 'unknown', said: said.text, by: said.by, ...(answer ? { at: answer.at } : { hint: `It is not known which question they meant. ${next}` }) },
  };
}
