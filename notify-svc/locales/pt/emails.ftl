footer = O FinTrac envia este e-mail por algo que aconteceu com o seu endereço ou a sua conta.
log-in-action = Entrar
code-label = Ou digite este código, válido por 10 minutos:

verification-subject = Confirme o seu endereço de e-mail
verification-body = Falta um passo: confirme que este endereço é seu.
verification-action = Confirmar endereço
verification-note = O link é válido por 24 horas. Se não se registou no FinTrac, ignore este e-mail.

already-registered-subject = Já tem uma conta
already-registered-body = Alguém tentou usar o seu endereço para outra conta. Já tem uma conta FinTrac com ele, por isso nada mudou.
already-registered-note = Se foi você, basta entrar. Se não foi, não há nada a fazer.

welcome-subject = Boas-vindas ao FinTrac
welcome-greeting = Olá { $name },
welcome-body = O seu endereço está confirmado e o seu agregado está pronto. Entre e adicione a sua primeira conta: dinheiro, banco ou cartão.
welcome-note = A partir de agora, cada cêntimo tem o seu lugar.

password-reset-subject = Escolha uma nova palavra-passe
password-reset-body = Alguém pediu uma nova palavra-passe para a sua conta. Se foi você, escolha-a agora.
password-reset-action = Escolher palavra-passe
password-reset-note = O link é válido por 60 minutos. Se não foi você, ignore este e-mail: a sua palavra-passe continua a mesma.

password-changed-subject = A sua palavra-passe foi alterada
password-changed-body = A palavra-passe da sua conta FinTrac foi alterada e as suas outras sessões foram terminadas.
password-changed-note = Se não foi você, peça já uma nova palavra-passe.

email-change-subject = Confirme o seu novo endereço de e-mail
email-change-body = Pediu para usar este endereço na sua conta FinTrac. Fica em vigor quando o confirmar.
email-change-action = Confirmar endereço
email-change-note = O link é válido por 24 horas. Se não o pediu, ignore este e-mail.

email-changed-subject = O seu endereço de e-mail foi alterado
email-changed-body = A sua conta FinTrac tem agora outro endereço de e-mail. Os e-mails já não chegam a este.
email-changed-note = Se não foi você, responda a este e-mail ou escreva a quem gere o seu FinTrac.

mfa-enabled-subject = O seu segundo fator está ativo
mfa-enabled-body = A partir de agora, para entrar é preciso um código da sua aplicação de autenticação. Guarde os seus códigos de recuperação em lugar seguro.
mfa-enabled-note = Se não foi você, altere já a sua palavra-passe.

mfa-disabled-subject = O seu segundo fator está inativo
mfa-disabled-body = Para entrar já não é preciso um código da sua aplicação de autenticação.
mfa-disabled-note = Se não foi você, altere já a sua palavra-passe.

recovery-code-used-subject = Foi usado um código de recuperação
recovery-code-used-body = Alguém entrou na sua conta com um dos seus códigos de recuperação. Esse código já não funciona.
recovery-code-used-note = Se não foi você, altere já a sua palavra-passe. Se perdeu a sua aplicação de autenticação, configure-a de novo.

new-device-subject = A sua conta foi usada num novo dispositivo
new-device-body = A sua conta foi usada num dispositivo que ainda não tínhamos visto: { $device }, a partir do endereço IP { $address }, em { $time }.
new-device-note = Se não foi você, altere a sua palavra-passe e termine as outras sessões.

account-locked-subject = A sua conta está bloqueada
account-locked-body = Um administrador bloqueou a sua conta FinTrac. Todas as sessões foram terminadas.
account-locked-note = Nada se perdeu. Escreva a quem gere o seu FinTrac para a desbloquear.

account-throttled-subject = Muitas palavras-passe erradas
account-throttled-body = Alguém introduziu muitas vezes uma palavra-passe errada para a sua conta. Durante algum tempo, cada nova tentativa tem de esperar.
account-throttled-note = Se não foi você, a sua palavra-passe protegeu-o. Se foi você e a esqueceu, peça uma nova palavra-passe.

account-deletion-subject = A sua conta será eliminada
account-deletion-body = Pediu para eliminar a sua conta FinTrac. Em { $day } todos os seus dados serão apagados de vez.
account-deletion-note = Se mudar de ideias, entre antes desse dia: assim volta tudo.

account-restored-subject = A sua conta foi restaurada
account-restored-body = Entrou na sua conta, por isso ela não será eliminada. Tudo está como estava.
account-restored-note = Se não foi você, altere já a sua palavra-passe.

open-action = Abrir o FinTrac
notification-note = Demasiados e-mails destes? As suas preferências decidem quais recebe.
notification-footer = O FinTrac envia este e-mail porque os e-mails sobre o seu dinheiro, os seus orçamentos e os seus objetivos estão ativados nas suas preferências.
unsubscribe-action = Deixar de receber e-mails deste tipo
