footer = FinTrac envía este correo por algo que ha ocurrido con tu dirección o tu cuenta.
log-in-action = Iniciar sesión

verification-subject = Confirma tu dirección de correo
verification-body = Falta un paso: confirma que esta dirección es tuya.
verification-action = Confirmar dirección
verification-code = O escribe este código, válido durante 10 minutos:
verification-note = El enlace es válido durante 24 horas. Si no te has registrado en FinTrac, ignora este correo.

already-registered-subject = Ya tienes una cuenta
already-registered-body = Alguien ha intentado registrarse con tu dirección. Ya tienes una cuenta de FinTrac con ella, así que nada ha cambiado.
already-registered-note = Si has sido tú, inicia sesión sin más. Si no, no hace falta que hagas nada.

welcome-subject = Te damos la bienvenida a FinTrac
welcome-greeting = Hola, { $name }:
welcome-body = tu dirección está confirmada y tu hogar está listo. Inicia sesión y añade tu primera cuenta: efectivo, banco o tarjeta.
welcome-note = Desde ahora, cada céntimo tiene su sitio.

open-action = Abrir FinTrac
notice-note = ¿Demasiados correos como este? En tus preferencias decides cuáles recibes.
notice-footer = FinTrac envía este correo porque quieres saber de tus presupuestos y metas.
