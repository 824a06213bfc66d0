"""The steps that bring the service's events to a queue, as a shell script of 80 columns."""

from __future__ import annotations

import shlex
import textwrap
from dataclasses import dataclass
from typing import Final, NamedTuple

from bwp_tui.contract.events import EVENT_TYPES

_WIDTH: Final = 79
_RULE: Final = "bwp-tui"

ASSOCIATION_STEP, QUEUE_STEP, POLICY_STEP, LAST_STEP = 3, 4, 6, 7
"""Numbers of the steps that advice names, and of the last one for AWS; what follows concerns this machine."""

VISIBILITY_S: Final = 60
"""Seconds for which a received message is hidden; less may have it received twice."""


@dataclass(frozen=True, slots=True)
class EventNames:
    """The names in the commands. Without an `account`, the AWS CLI is asked for it."""

    profile: str
    region: str
    account: str | None
    source: str
    queue: str

    @property
    def program(self) -> str:
        """How the program is called for the profile, whatever profile is the one of the shell that runs the script."""
        return f"bwp-tui --profile {shlex.quote(self.profile)}"

    def variables(self) -> str:
        """Return the shell's assignments of the variables in the commands."""
        account = self.account or (
            '$(aws sts get-caller-identity --region "$region" \\\n  --query Account --output text)'
        )
        return (
            f"region={self.region}\n"
            f"account={account}\n"
            f"source={self.source}\n"
            f"queue={self.queue}\n"
            "bus=aws.partner/buywithprime/$source\n"
            f"rule=arn:aws:events:$region:${{account}}:rule/$bus/{_RULE}\n"
            "arn=arn:aws:sqs:$region:$account:$queue\n"
            "url=https://sqs.$region.amazonaws.com/$account/$queue"
        )


class Step(NamedTuple):
    """One step: what it does, and its commands."""

    title: str
    commands: str


def setup_steps(names: EventNames) -> list[Step]:
    """Return the steps in order. Their commands use the variables of `EventNames.variables`."""
    return [
        Step(
            "In the merchant console, give the API credentials two permissions: Manage Shopper Privacy Requests, and "
            "full permission to event subscriptions. Then see whether the service lists them:",
            f"{names.program} events status",
        ),
        Step(
            "Subscribe to the four event types. A new event source expires unless the next step associates it.",
            f'{names.program} events subscribe \\\n  --account "$account" --region "$region" --source "$source"',
        ),
        Step("Associate the event source with an event bus of the same name; its state becomes ACTIVE.", _EVENT_BUS),
        Step("Create the queue, and a dead-letter queue for messages that were received 5 times in vain.", _QUEUES),
        Step("Create the rule that picks the four event types.", _rule()),
        Step("Allow this rule, and nobody else, to send to the two queues.", _QUEUE_POLICIES),
        Step(
            "Have the rule send to the queue, without a role, and retry for a day before the dead-letter queue.",
            _TARGET,
        ),
        Step(
            "Beside the seven steps: the machine that runs bwp-tui needs these rights and no others. Attach the policy "
            "to its user or role, and put the lines that the last command prints into the config file.",
            f"{_READER_POLICY}\ncat <<END\n[profiles.{names.profile}.events]\n"
            'queue_url = "$url"\nregion = "$region"\nEND',
        ),
    ]


def setup_script(names: EventNames) -> str:
    head = _comment(
        f"The events of profile {names.profile}: from the service to an SQS queue. Nothing was changed: run these "
        "steps with the AWS CLI, as somebody who may create event buses, rules, queues and policies.",
        "# ",
    )
    steps = (
        f"{_comment(step.title, f'# {number}  ' if number <= LAST_STEP else '# +  ')}\n{step.commands}"
        for number, step in enumerate(setup_steps(names), start=1)
    )
    return "\n\n".join((head, names.variables(), *steps))


def see_step(number: int) -> str:
    """Return where a step is described, as the end of a sentence."""
    return f"see step {number} of bwp-tui events setup"


def _comment(text: str, start: str) -> str:
    return textwrap.fill(text, _WIDTH, initial_indent=start, subsequent_indent=f"#{' ' * (len(start) - 1)}")


_EVENT_BUS: Final = """\
aws events create-event-bus --region "$region" --name "$bus" \\
  --event-source-name "$bus"
aws events describe-event-source --region "$region" --name "$bus" \\
  --query State"""

_QUEUES: Final = f"""\
redrive="{{\\"deadLetterTargetArn\\": \\"$arn-dead\\", \\"maxReceiveCount\\": 5}}"
aws sqs create-queue --region "$region" --queue-name "$queue-dead" \\
  --attributes MessageRetentionPeriod=1209600
aws sqs create-queue --region "$region" --queue-name "$queue" \\
  --attributes "MessageRetentionPeriod=1209600,VisibilityTimeout={VISIBILITY_S},\\
ReceiveMessageWaitTimeSeconds=20,RedrivePolicy='$redrive'\""""


def _rule() -> str:
    types = ",\n".join(f'    "{event_type}"' for event_type in EVENT_TYPES)
    return (
        'aws events put-rule --region "$region" --event-bus-name "$bus" \\\n'
        f"  --name {_RULE} --event-pattern '{{\n"
        '  "source": [{"prefix": "aws.partner/buywithprime/"}],\n'
        f'  "detail-type": [\n{types}\n  ]\n'
        "}'"
    )


_QUEUE_POLICIES: Final = """\
policy() { cat <<END
{
  "Version": "2012-10-17",
  "Statement": [{
    "Effect": "Allow",
    "Principal": {"Service": "events.amazonaws.com"},
    "Action": "sqs:SendMessage",
    "Resource": "$1",
    "Condition": {"ArnEquals": {"aws:SourceArn": "$rule"}}
  }]
}
END
}
aws sqs set-queue-attributes --region "$region" --queue-url "$url" \\
  --attributes "Policy='$(policy "$arn")'"
aws sqs set-queue-attributes --region "$region" --queue-url "$url-dead" \\
  --attributes "Policy='$(policy "$arn-dead")'\""""

_TARGET: Final = f"""\
aws events put-targets --region "$region" --event-bus-name "$bus" \\
  --rule {_RULE} --targets "Id={_RULE},Arn=$arn,\\
DeadLetterConfig={{Arn=$arn-dead}},\\
RetryPolicy={{MaximumEventAgeInSeconds=86400,MaximumRetryAttempts=185}}\""""

_READER_POLICY: Final = """\
reader() { cat <<END
{
  "Version": "2012-10-17",
  "Statement": [{
    "Effect": "Allow",
    "Action": [
      "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"
    ],
    "Resource": "$arn"
  }, {
    "Effect": "Allow",
    "Action": ["sqs:GetQueueUrl", "sqs:GetQueueAttributes"],
    "Resource": "$arn-dead"
  }]
}
END
}
aws iam create-policy --region "$region" --policy-name bwp-tui-events \\
  --policy-document "$(reader)\""""
